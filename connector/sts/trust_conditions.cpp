#include <algorithm>
#include <array>

#include "connector/base/arn.h"
#include "connector/sts/trust.h"

namespace kms::sts {
namespace {

using Values = std::optional<std::vector<std::string>>;
using Parts = TrustConditions::Parts;

Values one(std::string value) { return std::vector<std::string>{std::move(value)}; }
Values truth(bool value) { return one(value ? "true" : "false"); }
Values unless_empty(const std::string& value) { return value.empty() ? std::nullopt : one(value); }

std::string lower(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return folded;
}

/// Tag keys are the same in upper and lower case.
Values tag(const auth::Tags& tags, std::string_view key) {
  for (const auto& [name, value] : tags) {
    if (lower(name) == lower(key)) return one(value);
  }
  return std::nullopt;
}

struct Key {
  std::string_view name;  // lower case
  Values (*values)(const Parts& parts);
};

const auth::Caller& caller(const Parts& parts) { return parts.call.identity.caller; }

std::string seconds_of(Timestamp time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

constexpr std::array kKeys{
    Key{"aws:currenttime",
        [](const Parts& parts) { return one(iso8601_extended(parts.call.record.time)); }},
    Key{"aws:epochtime",
        [](const Parts& parts) { return one(seconds_of(parts.call.record.time)); }},
    Key{"aws:multifactorauthpresent",
        [](const Parts& parts) {
          return caller(parts).session == nullptr ? std::nullopt : truth(false);
        }},
    Key{"aws:principalaccount", [](const Parts& parts) { return one(caller(parts).account); }},
    Key{"aws:principalarn", [](const Parts& parts) { return one(caller(parts).principal->arn); }},
    Key{"aws:principaltype",
        [](const Parts& parts) {
          return one(caller(parts).type == "IAMUser" ? "User" : caller(parts).type);
        }},
    Key{"aws:requestedregion", [](const Parts& parts) { return one(parts.call.identity.region); }},
    Key{"aws:securetransport",
        [](const Parts& parts) { return truth(parts.call.secure_transport); }},
    Key{"aws:sourceip", [](const Parts& parts) { return one(parts.call.record.source_ip); }},
    Key{"aws:tokenissuetime",
        [](const Parts& parts) {
          const auto& session = caller(parts).session;
          return session == nullptr ? std::nullopt : one(iso8601_extended(session->issued));
        }},
    Key{"aws:useragent",
        [](const Parts& parts) { return unless_empty(parts.call.record.user_agent); }},
    Key{"aws:userid", [](const Parts& parts) { return one(caller(parts).principal_id); }},
    Key{"aws:username", [](const Parts& parts) { return unless_empty(caller(parts).user_name); }},
    Key{"sts:externalid",
        [](const Parts& parts) {
          return parts.external_id ? one(*parts.external_id) : std::nullopt;
        }},
    Key{"sts:rolesessionname", [](const Parts& parts) { return one(parts.session_name); }},
    Key{"sts:transitivetagkeys",
        [](const Parts& parts) {
          return parts.transitive_tag_keys.empty() ? std::nullopt
                                                   : Values(parts.transitive_tag_keys);
        }},
    Key{"aws:tagkeys",
        [](const Parts& parts) {
          std::vector<std::string> keys;
          for (const auto& [key, value] : parts.tags) keys.push_back(key);
          return keys.empty() ? std::nullopt : Values(std::move(keys));
        }},
    Key{"aws:resourceaccount",
        [](const Parts& parts) { return one(Arn::parse(parts.role_arn).value_or(Arn{}).account); }},
};

}  // namespace

Values TrustConditions::values(std::string_view key) const {
  const std::string name = lower(key);
  constexpr std::string_view kRequestTag = "aws:requesttag/";
  if (name.starts_with(kRequestTag)) return tag(parts_.tags, key.substr(kRequestTag.size()));
  constexpr std::string_view kPrincipalTag = "aws:principaltag/";
  if (name.starts_with(kPrincipalTag)) {
    const auth::Caller& by = caller(parts_);
    const std::string_view tag_key = key.substr(kPrincipalTag.size());
    Values of_session = by.session == nullptr ? std::nullopt : tag(by.session->tags, tag_key);
    return of_session ? std::move(of_session) : tag(by.principal->tags, tag_key);
  }
  const auto found = std::ranges::find(kKeys, name, &Key::name);
  return found == kKeys.end() ? std::nullopt : found->values(parts_);
}

}  // namespace kms::sts
