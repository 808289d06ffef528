#include "config/files.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace config {
namespace {

constexpr std::size_t kMaxSecretBytes = 4096;
constexpr std::size_t kMaxPemBytes = 1024 * 1024;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

class File {
 public:
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&&) = delete;
  File& operator=(File&&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// Who else may see a file: nobody at all, or (a systemd credential, whose group bits are an ACL's
/// mask) a group.
enum class Privacy : std::uint8_t { any, owner_only, credential };

std::string error_text(int error) { return std::generic_category().message(error); }

/// The whole file, straight into wiped memory.
pkcs11::SecretBytes slurp(const Reader& reader, const Node& node, const std::string& path,
                          Privacy privacy, std::size_t limit) {
  const std::string name = printable(path);
  const File file(path);
  if (file.fd() < 0) reader.refuse(node, "cannot read " + name + ": " + error_text(errno));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0)
    reader.refuse(node, "cannot read " + name + ": " + error_text(errno));
  if (!S_ISREG(status.st_mode)) reader.refuse(node, name + " is not a regular file");
  if (privacy != Privacy::any) {
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
      reader.refuse(node, name + " belongs neither to this user nor to root");
    }
    const mode_t forbidden = privacy == Privacy::owner_only ? 077 : 027;
    if ((status.st_mode & forbidden) != 0) {
      reader.refuse(node, name + " is readable or writable by others than its owner (chmod 600)");
    }
  }
  // No larger than the file: OpenSSL wants room in the locked heap too when it parses a private
  // key, and fails without.
  const auto expected = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  pkcs11::SecretBytes content(std::min(expected, limit) + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = ::read(file.fd(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) reader.refuse(node, "cannot read " + name + ": " + error_text(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > limit) reader.refuse(node, name + " is larger than " + format_size(limit));
  if (size > expected) reader.refuse(node, name + " is being written");
  content.resize(size);
  return content;
}

Bio bio_of(const pkcs11::SecretBytes& content) {
  return Bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

Secret read_secret(const Reader& reader, const Node& node, Environment& environment) {
  if (node.kind == Node::Kind::scalar) {
    reader.refuse(node,
                  "a secret is not written here; name its place: {file: PATH}, {credential: NAME} "
                  "or {env: NAME}");
  }
  SecretForm form;
  reader.read(node, form);
  if (node.children.size() != 1)
    reader.refuse(node, "expected exactly one of file, credential and env");
  const Node& given = *node.children.front();
  if (given.text.empty()) reader.refuse(given, "must not be empty");

  Secret secret;
  if (!form.file.empty()) {
    secret.value = slurp(reader, given, form.file, Privacy::owner_only, kMaxSecretBytes);
    secret.source = "{file: " + yaml_text(form.file) + "}";
  } else if (!form.credential.empty()) {
    if (form.credential.find('/') != std::string::npos || form.credential.starts_with('.')) {
      reader.refuse(given, "not the name of a credential");
    }
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr)
      reader.refuse(given, "systemd gave no credentials (CREDENTIALS_DIRECTORY is not set)");
    secret.value = slurp(reader, given, std::string(directory) + '/' + form.credential,
                         Privacy::credential, kMaxSecretBytes);
    secret.source = "{credential: " + yaml_text(form.credential) + "}";
  } else {
    auto value = environment.read(form.env);
    if (!value) reader.refuse(given, "no such environment variable");
    secret.value = std::move(*value);
    secret.source = "{env: " + yaml_text(form.env) + "}";
  }
  auto& value = secret.value;
  if (form.env.empty() && !value.empty() && value.data()[value.size() - 1] == '\n')
    value.resize(value.size() - 1);
  if (value.empty()) reader.refuse(given, "the secret is empty");
  return secret;
}

std::vector<std::uint8_t> read_certificate(const Reader& reader, const Node& node) {
  const std::string path = reader.path(node);
  const auto content = slurp(reader, node, path, Privacy::any, kMaxPemBytes);
  const Bio bio = bio_of(content);
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  const bool second =
      certificate && Certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!certificate) reader.refuse(node, printable(path) + " holds no PEM certificate");
  if (second) reader.refuse(node, printable(path) + " holds more than one certificate");
  unsigned char* encoded = nullptr;
  const int length = i2d_X509(certificate.get(), &encoded);
  if (length <= 0) reader.refuse(node, printable(path) + " cannot be encoded as DER");
  std::vector<std::uint8_t> der(encoded, encoded + length);
  OPENSSL_free(encoded);
  return der;
}

void check_tls_files(const Reader& reader, const Node& section, const TlsFiles& files) {
  const Node& certificate_node = *section.find("certificate");
  const Node& key_node = *section.find("private_key");
  const auto chain = slurp(reader, certificate_node, files.certificate, Privacy::any, kMaxPemBytes);
  const auto key_pem =
      slurp(reader, key_node, files.private_key, Privacy::owner_only, kMaxPemBytes);
  const Bio chain_bio = bio_of(chain);
  const Bio key_bio = bio_of(key_pem);
  const Certificate certificate(
      PEM_read_bio_X509(chain_bio.get(), nullptr, no_passphrase, nullptr));
  const PrivateKey key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  const bool match =
      certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!certificate)
    reader.refuse(certificate_node, printable(files.certificate) + " holds no PEM certificate");
  if (!key)
    reader.refuse(key_node,
                  printable(files.private_key) + " holds no PEM private key without a passphrase");
  if (!match) reader.refuse(key_node, "the private key is not the certificate's");
}

void check_readable(const Reader& reader, const Node& node, const std::string& path) {
  const File file(path);
  if (file.fd() < 0)
    reader.refuse(node, "cannot read " + printable(path) + ": " + error_text(errno));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) {
    reader.refuse(node, printable(path) + " is not a regular file");
  }
}

void check_directory_of(const Reader& reader, const Node& node, const std::string& path) {
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault))
    reader.refuse(node, printable(path) + " is a directory");
  const auto directory = std::filesystem::path(path).parent_path();
  if (!std::filesystem::is_directory(directory, fault)) {
    reader.refuse(node, "no such directory: " + printable(directory.string()));
  }
}

}  // namespace config
