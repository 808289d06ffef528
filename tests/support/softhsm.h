#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.h"

namespace kms::test {

/// A SoftHSM of this test alone: an own token directory and configuration, named by SOFTHSM2_CONF
/// as long as the object lives. Make it before the module is loaded, and only one at a time. Every
/// change to a token is made by a child process, as an operator would: nothing is loaded here.
class SoftHsm final {
 public:
  static constexpr const char* kUserPin = "1234-user";
  static constexpr const char* kSoPin = "12345678-so";

  SoftHsm();
  ~SoftHsm();
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;
  SoftHsm(SoftHsm&&) = delete;
  SoftHsm& operator=(SoftHsm&&) = delete;

  /// The directory with softhsm2.conf and tokens/.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return dir_.path(); }
  /// softhsm2.conf, for the SOFTHSM2_CONF of a child process.
  [[nodiscard]] std::filesystem::path configuration() const { return path() / "softhsm2.conf"; }
  /// The real module.
  [[nodiscard]] static std::string module_path();
  /// The fault-injecting module in front of it (tests/fakes/pkcs11_proxy/control.h).
  [[nodiscard]] static std::string proxy_path();

  /// How many objects its tokens hold: both keys of a pair count.
  [[nodiscard]] long objects() const;
  /// Adds a token. A process that has the module loaded sees it after C_Finalize and C_Initialize.
  void add_token(const std::string& label, const std::string& user_pin = kUserPin,
                 const std::string& so_pin = kSoPin) const;
  /// Deletes the token and all in it.
  void delete_token(const std::string& label) const;
  /// Empties the token and gives it a new user PIN; it keeps its serial.
  void reset_token(const std::string& label, const std::string& user_pin = kUserPin,
                   const std::string& so_pin = kSoPin) const;
  void change_user_pin(const std::string& label, const std::string& old_pin,
                       const std::string& new_pin) const;
  /// Destroys the secret key with this CKA_ID (hexadecimal), from outside the process under test.
  void destroy_secret_key(const std::string& label, const std::string& user_pin,
                          const std::string& id_hex) const;

 private:
  TempDir dir_;
  std::optional<std::string> former_;
};

}  // namespace kms::test
