#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kms {

/// The only one served.
inline constexpr std::string_view kPartition = "aws";

/// An Amazon Resource Name: arn:partition:service:region:account:resource. The parts are not
/// checked further.
struct Arn {
  std::string partition{kPartition};
  std::string service;
  std::string region;
  std::string account;
  std::string resource;

  static std::optional<Arn> parse(std::string_view text);
  [[nodiscard]] std::string str() const;
  bool operator==(const Arn&) const = default;
};

/// Where a request or a record is at home: keys, aliases and key stores of two scopes never meet.
struct Scope {
  std::string account;  // 12 digits
  std::string region;
  auto operator<=>(const Scope&) const = default;
};

std::string key_arn(const Scope& scope, std::string_view key_id);
std::string alias_arn(const Scope& scope, std::string_view alias_name);

}  // namespace kms
