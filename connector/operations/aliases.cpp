#include "connector/operations/aliases.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "connector/api/error.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::string_view kPrefix = "alias/";
constexpr std::string_view kReserved = "alias/aws/";

}  // namespace

void check_alias_name(const std::string& name) {
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) {
    throw api::validation_error(
        "Alias must start with the prefix \"alias/\". Please see "
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  }
  if (name.find(':') != std::string::npos) {
    throw api::validation_error(name + " contains invalid characters for an alias");
  }
  const bool reserved =
      name.size() >= kReserved.size() &&
      std::equal(kReserved.begin(), kReserved.end(), name.begin(),
                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  if (reserved) {
    throw Error(ErrorCode::not_authorized,
                "The alias name for a customer managed CMK cannot begin with alias/aws/.");
  }
}

void check_alias_target(const Call& call, const std::string& reference) {
  const auto arn = Arn::parse(reference);
  const std::string_view resource =
      arn ? std::string_view(arn->resource) : std::string_view(reference);
  if (resource.starts_with(kPrefix))
    throw api::validation_error("Aliases must refer to keys. Not aliases");
  if (arn && arn->account != call.scope().account) {
    throw api::access_denied("This operation cannot be called cross account");
  }
  static_cast<void>(keys::parse_key_reference(reference, call.scope(), Accepts::key_only));
}

void check_alias_limit(const Call& call, const keys::KeyRecord& key) {
  const std::size_t limit = call.limits().aliases_per_key;
  if (call.store().aliases_of_key(key.scope, key.id, "", limit).items.size() >= limit) {
    throw Error(ErrorCode::limit_exceeded, "The number of aliases of this key is at its limit.");
  }
}

keys::AliasRecord existing_alias(const Call& call, const std::string& name) {
  const keys::AliasPtr alias = call.store().alias(call.scope(), name);
  if (!alias) throw api::not_found("Alias " + alias_arn(call.scope(), name) + " is not found.");
  return *alias;
}

}  // namespace kms::operations
