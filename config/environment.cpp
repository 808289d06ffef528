#include "config/environment.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace config {

std::optional<pkcs11::SecretBytes> Environment::read(const std::string& name) {
  if (const auto known = read_.find(name); known != read_.end()) return known->second.join();
  char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  auto secret = pkcs11::SecretBytes::copy_of(std::string_view(value));
  read_.emplace(name, secret.clone());
  // The strings of the environment lie on the process's stack, where unsetenv leaves them.
  OPENSSL_cleanse(value, std::strlen(value));
  ::unsetenv(name.c_str());
  return secret;
}

}  // namespace config
