#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "pkcs11/module.h"
#include "tests/support/softhsm.h"

namespace kms::bench {

inline pkcs11::Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

/// A token of SoftHSM in this process, logged in to.
struct OpenToken {
  explicit OpenToken(std::size_t sessions) {
    hsm.add_token("bench");
    pkcs11::TokenOptions options;
    options.selector.label = "bench";
    options.pin = pkcs11::SecretBytes::copy_of(std::string_view(test::SoftHsm::kUserPin));
    options.max_sessions = sessions;
    token =
        modules.load(test::SoftHsm::module_path(), {}, soon())->open(std::move(options), soon());
  }
  test::SoftHsm hsm;
  pkcs11::Modules modules;
  std::unique_ptr<pkcs11::Token> token;
};

}  // namespace kms::bench
