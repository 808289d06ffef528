#pragma once

#include <string>
#include <string_view>

namespace kms::keys {

/// What a caller wants to do, as policies spell it without "kms:". Most are the operation's name;
/// ReEncrypt asks for ReEncryptFrom and ReEncryptTo.
struct Action {
  std::string_view name;
  [[nodiscard]] std::string str() const { return "kms:" + std::string(name); }
  bool operator==(const Action&) const = default;
};

}  // namespace kms::keys
