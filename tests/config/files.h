#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.h"

namespace config::test {

/// A directory with what a configuration names: a stand-in for the PKCS#11 library (the loader only
/// looks whether it can be read), PINs, secrets, certificates.
class Files final {
 public:
  Files();
  [[nodiscard]] const std::filesystem::path& path() const { return dir_.path(); }
  [[nodiscard]] std::string config_file() const { return (path() / "config.yaml").string(); }
  std::filesystem::path write(std::string_view name, std::string_view text) const {
    return dir_.write(name, text);
  }
  /// what() of the Error with "DIR" for the directory; "" if the text loads.
  [[nodiscard]] std::string fault_of(const std::string& text) const;

 private:
  kms::test::TempDir dir_{"kms-config"};
};

/// A configuration with one of everything that must be there, to be spoilt.
extern const std::string kMinimal;

/// `text` with the only occurrence of `from` replaced; throws if there is not exactly one.
std::string replaced(std::string text, std::string_view from, std::string_view to);
/// All occurrences.
std::string replaced_all(std::string text, std::string_view from, std::string_view to);

/// PEM of a self-signed certificate and of its key.
struct KeyPair {
  std::string certificate;
  std::string private_key;
};
KeyPair make_key_pair();

}  // namespace config::test
