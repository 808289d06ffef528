#pragma once

#include <map>
#include <optional>
#include <string>

#include "pkcs11/secret_bytes.h"
#include "pkcs11/split_secret.h"

namespace config {

/// The secrets in environment variables: each is wiped and removed where it lay when it is first
/// read, and kept here for whatever names it again, in this configuration or one loaded later.
class Environment {
 public:
  /// nullopt: there is no such variable, and was none.
  std::optional<pkcs11::SecretBytes> read(const std::string& name);

 private:
  std::map<std::string, pkcs11::SplitSecret> read_;
};

}  // namespace config
