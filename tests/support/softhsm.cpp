#include "tests/support/softhsm.h"

#include <cstdlib>

#include "tests/support/process.h"

namespace kms::test {

SoftHsm::SoftHsm() : dir_("kms-softhsm") {
  std::filesystem::create_directory(path() / "tokens");
  dir_.write("softhsm2.conf", "directories.tokendir = " + (path() / "tokens").string() +
                                  "\n"
                                  "objectstore.backend = file\n"
                                  "log.level = ERROR\n"
                                  "slots.removable = false\n");
  if (const char* former = std::getenv("SOFTHSM2_CONF")) former_ = former;
  ::setenv("SOFTHSM2_CONF", configuration().c_str(), 1);
}

SoftHsm::~SoftHsm() {
  if (former_) {
    ::setenv("SOFTHSM2_CONF", former_->c_str(), 1);
  } else {
    ::unsetenv("SOFTHSM2_CONF");
  }
}

std::string SoftHsm::module_path() { return KMS_SOFTHSM_MODULE; }
std::string SoftHsm::proxy_path() { return KMS_PROXY_MODULE; }

void SoftHsm::add_token(const std::string& label, const std::string& user_pin,
                        const std::string& so_pin) const {
  run_ok({.arguments = {"softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin",
                        so_pin, "--pin", user_pin}});
}

void SoftHsm::delete_token(const std::string& label) const {
  run_ok({.arguments = {"softhsm2-util", "--delete-token", "--token", label}});
}

long SoftHsm::objects() const {
  long count = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(path() / "tokens")) {
    count += file.path().extension() == ".object" ? 1 : 0;
  }
  return count;
}

void SoftHsm::reset_token(const std::string& label, const std::string& user_pin,
                          const std::string& so_pin) const {
  run_ok({.arguments = {"softhsm2-util", "--init-token", "--token", label, "--label", label,
                        "--so-pin", so_pin, "--pin", user_pin, "--force"}});
}

void SoftHsm::change_user_pin(const std::string& label, const std::string& old_pin,
                              const std::string& new_pin) const {
  run_ok({.arguments = {"pkcs11-tool", "--module", module_path(), "--token-label", label, "--login",
                        "--pin", old_pin, "--change-pin", "--new-pin", new_pin}});
}

void SoftHsm::destroy_secret_key(const std::string& label, const std::string& user_pin,
                                 const std::string& id_hex) const {
  run_ok(
      {.arguments = {"pkcs11-tool", "--module", module_path(), "--token-label", label, "--login",
                     "--pin", user_pin, "--delete-object", "--type", "secrkey", "--id", id_hex}});
}

}  // namespace kms::test
