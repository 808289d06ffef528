#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/auth/caller.h"
#include "connector/base/clock.h"
#include "connector/base/encodings.h"

// The global condition keys ("aws:") that a request to any service has (IAM User Guide, "AWS global
// condition context keys").
namespace kms::auth {

using Values = std::optional<std::vector<std::string>>;

/// What a request tells besides its caller.
struct Environment {
  Timestamp time{};
  std::string_view region;  // that was called
  std::string_view source_ip;
  std::string_view user_agent;
  bool secure_transport = false;
};

/// `key` as a policy spells it; nullopt if the request has no such value.
Values global_values(const ConditionKey& key, const Caller& caller, const Environment& environment);

/// One value; none if it is empty.
Values one_value(std::string_view value);
/// "true" or "false".
Values truth_value(bool value);
/// The value of the tag with this key; if there is none, those of the keys that differ in upper and
/// lower case only. `tags`: pairs of key and value.
template <class Tags>
Values tag_value(const Tags& tags, std::string_view key) {
  std::vector<std::string> values;
  for (const auto& [name, value] : tags) {
    if (name == key) return std::vector<std::string>{value};
    if (equal_ignoring_case(name, key)) values.push_back(value);
  }
  return values.empty() ? Values{} : Values(std::move(values));
}

}  // namespace kms::auth
