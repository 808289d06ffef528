#include "tests/config/files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

#include "config/load.h"

namespace config::test {
namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

const std::string kMinimal = R"(accounts: ["123456789012", "111122223333"]
storage:
  sqlite: kms.sqlite
audit:
  file: audit.jsonl
regions:
  us-east-1:
    token:
      module: module.so
      label: us-east-1
    pin: {file: pin}
clusters:
  cluster-abcdefg2345:
    account: "123456789012"
    region: us-east-1
    trust_anchor: anchor.crt
    token:
      module: module.so
      serial: 0123abcd
principals:
  arn:aws:iam::123456789012:user/admin:
    access_keys:
      AKIAIOSFODNN7EXAMPLE:
        secret: {file: secret}
    policy:
      - Effect: Allow
        Action: "*"
        Resource: "*"
)";

Files::Files() {
  write("module.so", "");
  write("pin", "1234-user\n");
  write("secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  static const KeyPair pair = make_key_pair();
  write("anchor.crt", pair.certificate);
  write("tls/server.crt", pair.certificate);
  write("tls/server.key", pair.private_key);
}

std::string Files::fault_of(const std::string& text) const {
  try {
    static_cast<void>(load(config_file(), text));
  } catch (const Error& error) {
    return replaced_all(error.what(), path().string(), "DIR");
  }
  return {};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::invalid_argument("not exactly once: " + std::string(from));
  }
  return text.replace(at, from.size(), to);
}

std::string replaced_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

KeyPair make_key_pair() {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
  X509_set_pubkey(certificate.get(), key.get());
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0)
    throw std::runtime_error("X509_sign");
  KeyPair pair;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate.get());
  pair.certificate = text_of(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  pair.private_key = text_of(bio);
  return pair;
}

}  // namespace config::test
