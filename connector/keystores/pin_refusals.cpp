#include "connector/keystores/pin_refusals.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "connector/base/encodings.h"

namespace kms::keystores {
namespace {

constexpr std::size_t kKeySize = 32;

// In the databases of all releases; a number is never used again for something else. That a PIN is
// locked is not recorded any more, but is in databases of earlier ones.
constexpr std::uint8_t kPinIncorrect = 5;
constexpr std::uint8_t kPinLocked = 6;

// A refusal is one, whatever the number: the PIN is not tried again.
pkcs11::Failure failure_of(std::uint8_t number) {
  return number == kPinLocked ? pkcs11::Failure::pin_locked : pkcs11::Failure::pin_incorrect;
}

std::uint8_t number_of(pkcs11::Failure failure) {
  return failure == pkcs11::Failure::pin_locked ? kPinLocked : kPinIncorrect;
}

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw std::runtime_error(file + ": " + what);
}

[[noreturn]] void fail_with_errno(const std::string& file, const char* what) {
  fail(file, std::string(what) + ": " + std::strerror(errno));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

SecretBytes read_key(const std::string& path, const File& file) {
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) fail_with_errno(path, "cannot be examined");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) fail(path, "may be read by others: chmod 600");
  SecretBytes key(kKeySize);
  if (status.st_size != static_cast<off_t>(kKeySize) ||
      ::read(file.fd(), key.data(), key.size()) != static_cast<ssize_t>(key.size())) {
    fail(path, "does not hold a key of 32 bytes");
  }
  return key;
}

void sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.fd() < 0 || ::fsync(opened.fd()) != 0) fail_with_errno(directory, "cannot be synced");
}

void make_key(const std::string& path) {
  SecretBytes key(kKeySize);
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1)
    fail(path, "no randomness for a key");
  // Complete under another name first: a crash must leave no short key behind.
  const std::string fresh = path + ".new";
  {
    const File file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.fd() < 0) fail_with_errno(fresh, "cannot be made");
    if (::write(file.fd(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
        ::fsync(file.fd()) != 0) {
      fail_with_errno(fresh, "cannot be written");
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) fail_with_errno(path, "cannot be made");
  sync_directory_of(path);
}

SecretBytes load_key(const std::string& path) {
  for (const bool second : {false, true}) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() >= 0) return read_key(path, file);
    if (errno != ENOENT || second) fail_with_errno(path, "cannot be opened");
    make_key(path);
  }
  fail(path, "cannot be opened");
}

}  // namespace

std::string pin_hash_key_file(const std::string& database) {
  return database + ".pin-refusals-key";
}

StoredPinRefusals::StoredPinRefusals(storage::MetadataStore& store, const std::string& key_file)
    : store_(store), key_(load_key(key_file)) {}

Bytes StoredPinRefusals::hash(const std::string& serial, ByteView pin) const {
  // A serial number is printable, so the separator cannot occur in it.
  SecretBytes message = SecretBytes::copy_of(std::string_view(serial));
  message.push_back(0);
  message.append(pin);
  const Sha256 mac = hmac_sha256(key_.view(), message.view());
  return {mac.begin(), mac.end()};
}

std::optional<keys::PinRefusalRecord> StoredPinRefusals::find(const std::string& serial,
                                                              ByteView pin) const {
  const Bytes wanted = hash(serial, pin);
  for (keys::PinRefusalRecord& record : store_.pin_refusals(serial)) {
    if (equal_in_constant_time(record.pin_hash, wanted)) return std::move(record);
  }
  return std::nullopt;
}

std::optional<pkcs11::Failure> StoredPinRefusals::refused(const std::string& serial, ByteView pin) {
  const auto record = find(serial, pin);
  if (!record) return std::nullopt;
  return failure_of(record->failure);
}

void StoredPinRefusals::record(const std::string& serial, ByteView pin, pkcs11::Failure failure) {
  const storage::Change put = storage::Put<keys::PinRefusalRecord>{
      {.token_serial = serial, .pin_hash = hash(serial, pin), .failure = number_of(failure)}};
  store_.commit({&put, 1});
}

std::optional<storage::Change> StoredPinRefusals::lift(const std::string& serial,
                                                       ByteView pin) const {
  auto record = find(serial, pin);
  if (!record) return std::nullopt;
  return storage::Erase<keys::PinRefusalRecord>{std::move(*record)};
}

}  // namespace kms::keystores
