#include "connector/base/arn.h"

#include <array>

namespace kms {
namespace {

std::string kms_arn(const Scope& scope, std::string_view kind, std::string_view name) {
  std::string arn;
  arn.reserve(14 + scope.region.size() + scope.account.size() + kind.size() + name.size());
  arn.append("arn:aws:kms:").append(scope.region).append(":").append(scope.account).append(":");
  return arn.append(kind).append(name);
}

}  // namespace

std::optional<Arn> Arn::parse(std::string_view text) {
  std::array<std::string_view, 5> parts;  // "arn" to the account; the rest is the resource
  for (std::string_view& part : parts) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (parts[0] != "arn") return std::nullopt;
  return Arn{.partition = std::string(parts[1]),
             .service = std::string(parts[2]),
             .region = std::string(parts[3]),
             .account = std::string(parts[4]),
             .resource = std::string(text)};
}

std::string Arn::str() const {
  std::string text = "arn";
  for (const std::string* part : {&partition, &service, &region, &account, &resource}) {
    text.append(":").append(*part);
  }
  return text;
}

std::string key_arn(const Scope& scope, std::string_view key_id) {
  return kms_arn(scope, "key/", key_id);
}

std::string alias_arn(const Scope& scope, std::string_view alias_name) {
  return kms_arn(scope, "", alias_name);
}

}  // namespace kms
