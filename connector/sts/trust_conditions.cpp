#include <algorithm>
#include <array>

#include "connector/auth/global_keys.h"
#include "connector/base/arn.h"
#include "connector/base/encodings.h"
#include "connector/sts/trust.h"

namespace kms::sts {
namespace {

using auth::one_value;
using auth::Values;
using Parts = TrustConditions::Parts;

Values values_unless_empty(std::vector<std::string> values) {
  if (values.empty()) return std::nullopt;
  return values;
}

std::vector<std::string> keys_of(const auth::Tags& tags) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : tags) keys.push_back(key);
  return keys;
}

struct Key {
  std::string_view name;  // lower case
  Values (*values)(const Parts& parts);
};

constexpr std::array kKeys{
    Key{"aws:resourceaccount",
        [](const Parts& parts) {
          return one_value(Arn::parse(parts.role_arn).value_or(Arn{}).account);
        }},
    Key{"aws:tagkeys", [](const Parts& parts) { return values_unless_empty(keys_of(parts.tags)); }},
    Key{"sts:externalid",
        [](const Parts& parts) { return one_value(parts.external_id.value_or("")); }},
    Key{"sts:rolesessionname", [](const Parts& parts) { return one_value(parts.session_name); }},
    Key{"sts:transitivetagkeys",
        [](const Parts& parts) { return values_unless_empty(parts.transitive_tag_keys); }},
};

}  // namespace

Values TrustConditions::values(const auth::ConditionKey& key) const {
  const std::string_view name = key.lower();
  constexpr std::string_view kRequestTag = "aws:requesttag/";
  if (name.starts_with(kRequestTag)) {
    return auth::tag_value(parts_.tags, key.behind(kRequestTag));
  }
  for (const std::string_view of_role : {"aws:resourcetag/", "iam:resourcetag/"}) {
    if (!name.starts_with(of_role)) continue;
    return parts_.role == nullptr ? std::nullopt
                                  : auth::tag_value(parts_.role->tags, key.behind(of_role));
  }
  const auto* const found = std::ranges::find(kKeys, name, &Key::name);
  if (found != kKeys.end()) return found->values(parts_);
  const Call& call = parts_.call;
  return auth::global_values(key, call.identity.caller,
                             {.time = call.record.time,
                              .region = call.identity.region,
                              .source_ip = call.record.source_ip,
                              .user_agent = call.record.user_agent,
                              .secure_transport = call.record.tls.has_value()});
}

}  // namespace kms::sts
