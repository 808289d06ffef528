#include "connector/auth/global_keys.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace kms::auth {
namespace {

struct Row {
  std::string_view name;
  Values (*values)(const Caller& caller, const Environment& environment);
};

std::string seconds_of(Timestamp time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

/// The role of a session, not the session.
std::string_view principal_arn(const Caller& caller) {
  return caller.principal ? caller.principal->arn : caller.arn;
}

constexpr std::array kRows{
    Row{"aws:currenttime",
        [](const Caller&, const Environment& e) { return one_value(iso8601_extended(e.time)); }},
    Row{"aws:epochtime",
        [](const Caller&, const Environment& e) { return one_value(seconds_of(e.time)); }},
    Row{"aws:multifactorauthpresent",
        [](const Caller& c, const Environment&) {
          return c.session ? truth_value(false) : Values{};
        }},
    Row{"aws:principalaccount",
        [](const Caller& c, const Environment&) { return one_value(c.account); }},
    Row{"aws:principalarn",
        [](const Caller& c, const Environment&) { return one_value(principal_arn(c)); }},
    Row{"aws:principalisawsservice",
        [](const Caller&, const Environment&) { return truth_value(false); }},
    Row{"aws:principaltype",
        [](const Caller& c, const Environment&) {
          return one_value(c.type == "IAMUser" ? "User" : c.type == "Root" ? "Account" : c.type);
        }},
    Row{"aws:requestedregion",
        [](const Caller&, const Environment& e) { return one_value(e.region); }},
    Row{"aws:securetransport",
        [](const Caller&, const Environment& e) { return truth_value(e.secure_transport); }},
    Row{"aws:sourceip", [](const Caller&, const Environment& e) { return one_value(e.source_ip); }},
    Row{"aws:tokenissuetime",
        [](const Caller& c, const Environment&) {
          return c.session ? one_value(iso8601_extended(c.session->issued)) : Values{};
        }},
    Row{"aws:useragent",
        [](const Caller&, const Environment& e) { return one_value(e.user_agent); }},
    Row{"aws:userid",
        [](const Caller& c, const Environment&) { return one_value(c.principal_id); }},
    Row{"aws:username", [](const Caller& c, const Environment&) { return one_value(c.user_name); }},
    Row{"aws:viaawsservice", [](const Caller&, const Environment&) { return truth_value(false); }},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::name));

}  // namespace

Values one_value(std::string_view value) {
  if (value.empty()) return std::nullopt;
  return std::vector<std::string>{std::string(value)};
}

Values truth_value(bool value) { return one_value(value ? "true" : "false"); }

Values global_values(const ConditionKey& key, const Caller& caller,
                     const Environment& environment) {
  constexpr std::string_view kPrincipalTag = "aws:principaltag/";
  const std::string_view name = key.lower();
  if (name.starts_with(kPrincipalTag)) {
    const std::string_view tag = key.behind(kPrincipalTag);
    Values of_session = caller.session ? tag_value(caller.session->tags, tag) : std::nullopt;
    if (of_session || !caller.principal) return of_session;
    return tag_value(caller.principal->tags, tag);
  }
  const auto* const row = std::ranges::lower_bound(kRows, name, {}, &Row::name);
  if (row == kRows.end() || row->name != name) return std::nullopt;
  return row->values(caller, environment);
}

}  // namespace kms::auth
