#include "connector/keys/key_reference.h"

#include <algorithm>
#include <cctype>

#include "connector/api/error.h"

namespace kms::keys {
namespace {

using api::ErrorCode;

constexpr std::string_view kAliasPrefix = "alias/";
constexpr std::string_view kKeyPrefix = "key/";
constexpr std::string_view kMultiRegionPrefix = "mrk-";

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

[[noreturn]] void refuse_alias() {
  throw api::Error(ErrorCode::invalid_arn, "Key Aliases are not supported for this operation.");
}

KeyReference parse_arn(std::string_view text, const Scope& caller, Accepts accepts) {
  const auto arn = Arn::parse(text);
  if (!arn || arn->service != "kms" || arn->partition != kPartition) {
    throw api::Error(ErrorCode::invalid_arn, "Invalid arn " + std::string(text));
  }
  const std::string_view resource = arn->resource;
  const bool alias = resource.starts_with(kAliasPrefix);
  if (alias && accepts == Accepts::key_only) refuse_alias();
  if (!alias && !resource.starts_with(kKeyPrefix)) {
    throw api::Error(ErrorCode::invalid_arn, "Invalid arn " + std::string(text));
  }
  if (arn->region != caller.region) {
    throw api::Error(ErrorCode::not_found, "Invalid arn " + arn->region);
  }
  KeyReference reference{.scope = {arn->account, arn->region}, .from_arn = true};
  if (alias) {
    reference.alias = std::string(resource);
    return reference;
  }
  const std::string_view id = resource.substr(kKeyPrefix.size());
  if (!is_key_id(id)) {
    throw api::Error(ErrorCode::not_found, "Invalid keyId " + std::string(id));
  }
  reference.key_id = lower(id);
  return reference;
}

}  // namespace

bool is_key_id(std::string_view text) {
  if (text.starts_with(kMultiRegionPrefix)) {
    const std::string_view digits = text.substr(kMultiRegionPrefix.size());
    return digits.size() == 32 && is_hex(digits);
  }
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

KeyReference parse_key_reference(std::string_view text, const Scope& caller, Accepts accepts) {
  if (text.starts_with("arn:")) return parse_arn(text, caller, accepts);
  KeyReference reference{.scope = caller};
  if (text.starts_with(kAliasPrefix)) {
    if (accepts == Accepts::key_only) refuse_alias();
    reference.alias = std::string(text);
    return reference;
  }
  if (!is_key_id(text)) {
    throw api::Error(ErrorCode::not_found, "Invalid keyId '" + std::string(text) + "'");
  }
  reference.key_id = lower(text);
  return reference;
}

}  // namespace kms::keys
