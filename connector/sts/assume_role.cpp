#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connector/auth/principal.h"
#include "connector/auth/temporary_credentials.h"
#include "connector/base/arn.h"
#include "connector/base/encodings.h"
#include "connector/sts/credentials.h"
#include "connector/sts/error.h"
#include "connector/sts/members.h"
#include "connector/sts/operation.h"
#include "connector/sts/trust.h"

namespace kms::sts {
namespace {

constexpr std::int32_t kShortest = 900;
constexpr std::int32_t kLongest = 43200;
constexpr std::chrono::seconds kDefault{3600};
constexpr std::chrono::seconds kLongestOfChain{3600};
constexpr std::size_t kMostTags = 50;

bool is_alphanumeric(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_one_of(char32_t c, std::string_view set) {
  return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr TextRule kRoleArn{
    .min = 20,
    .max = 2048,
    .pattern =
        R"([\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+)",
    .allows = [](char32_t c) {
      return is_one_of(c, "\t\n\r") || (c >= 0x20 && c <= 0x7E) || c == 0x85 || c >= 0xA0;
    }};
constexpr TextRule kSessionName{
    .min = 2, .max = 64, .pattern = R"([\w+=,.@-]*)", .allows = auth::is_session_name_character};
constexpr TextRule kExternalId{
    .min = 2, .max = 1224, .pattern = R"([\w+=,.@:\/-]*)", .allows = [](char32_t c) {
      return is_alphanumeric(c) || is_one_of(c, "_+=,.@:/-");
    }};
constexpr TextRule kPolicy{.min = 1, .max = 2048};

/// Letters, spaces and numbers of any script; beyond ASCII nothing but controls is refused.
bool is_tag_character(char32_t c) {
  return is_alphanumeric(c) || is_one_of(c, " _.:/=+-@") || c >= 0xA0;
}
constexpr TextRule kTagKey{
    .min = 1, .max = 128, .pattern = R"([\p{L}\p{Z}\p{N}_.:/=+\-@]+)", .allows = is_tag_character};
constexpr TextRule kTagValue{
    .min = 0, .max = 256, .pattern = R"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", .allows = is_tag_character};

struct Request {
  std::string role_arn;
  std::string session_name;
  std::optional<std::int32_t> duration;
  std::optional<std::string> external_id;
  std::optional<std::string> policy;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> transitive_tag_keys;
};

Request read(const Parameters& parameters) {
  Members members(parameters);
  Request request;
  request.role_arn = members.required("RoleArn", kRoleArn);
  request.session_name = members.required("RoleSessionName", kSessionName);
  request.duration = members.integer("DurationSeconds", kShortest, kLongest);
  request.external_id = members.text("ExternalId", kExternalId);
  request.policy = members.text("Policy", kPolicy);
  request.tags = parameters.pairs("Tags", "Key", "Value");
  request.transitive_tag_keys = parameters.list("TransitiveTagKeys");
  refuse_gaps(parameters, "Tags", request.tags.size());
  refuse_gaps(parameters, "TransitiveTagKeys", request.transitive_tag_keys.size());
  members.check_count("tags", request.tags.size(), kMostTags);
  members.check_count("transitiveTagKeys", request.transitive_tag_keys.size(), kMostTags);
  for (std::size_t i = 0; i < request.tags.size(); ++i) {
    const std::string path = "tags." + std::to_string(i + 1) + ".member.";
    members.check(path + "key", request.tags[i].first, kTagKey);
    members.check(path + "value", request.tags[i].second, kTagValue);
  }
  for (std::size_t i = 0; i < request.transitive_tag_keys.size(); ++i) {
    members.check("transitiveTagKeys." + std::to_string(i + 1) + ".member",
                  request.transitive_tag_keys[i], kTagKey);
  }
  members.raise_if_any();
  refuse_members(parameters,
                 {"PolicyArns", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts"});
  return request;
}

/// What CloudTrail shows of the request.
std::string parameters_json(const Request& request) {
  std::string json = "{\"roleArn\":" + json_string(request.role_arn) +
                     ",\"roleSessionName\":" + json_string(request.session_name);
  if (request.duration) json += ",\"durationSeconds\":" + std::to_string(*request.duration);
  if (request.external_id) json += ",\"externalId\":" + json_string(*request.external_id);
  if (request.policy) json += ",\"policy\":" + json_string(*request.policy);
  if (!request.tags.empty()) {
    json += ",\"tags\":[";
    for (const auto& [key, value] : request.tags) {
      if (json.back() != '[') json += ',';
      json += "{\"key\":" + json_string(key) + ",\"value\":" + json_string(value) + "}";
    }
    json += "]";
  }
  if (!request.transitive_tag_keys.empty()) {
    json += ",\"transitiveTagKeys\":[";
    for (const std::string& key : request.transitive_tag_keys) {
      if (json.back() != '[') json += ',';
      json += json_string(key);
    }
    json += "]";
  }
  return json + "}";
}

bool is_role_arn(std::string_view text) {
  const auto arn = Arn::parse(text);
  return arn && !arn->partition.empty() && !arn->service.empty() && !arn->account.empty() &&
         !arn->resource.empty();
}

[[noreturn]] void refuse_tags(const char* text) {
  throw Error(ErrorCode::invalid_parameter_value, text);
}

/// The session's tags: the request's, and what the calling session hands on.
void add_tags(auth::SessionClaims& claims, const Request& request, const auth::Caller& caller) {
  std::set<std::string> keys;  // the same in upper and lower case
  for (const auto& [key, value] : request.tags) {
    if (starts_with_ignoring_case(key, "aws:")) {
      refuse_tags("Tags beginning with aws: are reserved");
    }
    if (!keys.insert(lower_case(key)).second) {
      refuse_tags("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    claims.tags.insert_or_assign(key, value);
  }
  for (const std::string& key : request.transitive_tag_keys) {
    const bool sent = std::ranges::any_of(
        request.tags, [&](const auto& tag) { return lower_case(tag.first) == lower_case(key); });
    if (!sent) {
      refuse_tags("The specified transitive tag key must be included in the requested tags.");
    }
    claims.transitive_tag_keys.push_back(key);
  }
  if (caller.session == nullptr) return;
  for (const std::string& key : caller.session->transitive_tag_keys) {
    if (keys.contains(lower_case(key))) {
      refuse_tags(
          "One of the specified transitive tag keys can't be set because it conflicts with a "
          "transitive tag key from the calling session.");
    }
    for (const auto& [name, value] : caller.session->tags) {
      if (lower_case(name) == lower_case(key)) claims.tags.insert_or_assign(name, value);
    }
    claims.transitive_tag_keys.push_back(key);
  }
}

void add_policy(auth::SessionClaims& claims, const Request& request) {
  if (!request.policy) return;
  try {
    (void)auth::parse_policy(*request.policy, auth::PolicyKind::session);
  } catch (const auth::PolicyError& error) {
    throw Error(ErrorCode::malformed_policy_document, error.what());
  }
  claims.policies.push_back(*request.policy);
}

/// The same whether there is such a role or not.
auth::PrincipalPtr authorize(const Call& call, const Request& request,
                             const auth::SessionClaims& claims) {
  const auth::Caller& caller = call.identity.caller;
  if (caller.principal->type == auth::Principal::Type::root) {
    throw Error(ErrorCode::access_denied, "Roles may not be assumed by root accounts.");
  }
  auth::PrincipalPtr role = call.context.identities.current()->principal(request.role_arn);
  if (role != nullptr && role->type != auth::Principal::Type::role) role = nullptr;
  const TrustConditions conditions({.call = call,
                                    .role_arn = request.role_arn,
                                    .role = role.get(),
                                    .session_name = request.session_name,
                                    .external_id = request.external_id,
                                    .tags = claims.tags,
                                    .transitive_tag_keys = claims.transitive_tag_keys});
  const auto require = [&](std::string_view action) {
    if (role != nullptr) {
      call.record.decisions.push_back(decide_trust(caller, *role, action, conditions));
      if (call.record.decisions.back().allowed) return;
    }
    throw Error(ErrorCode::access_denied,
                "User: " + caller.arn + " is not authorized to perform: " + std::string(action) +
                    " on resource: " + request.role_arn);
  };
  require("sts:AssumeRole");
  if (!claims.tags.empty()) require("sts:TagSession");
  return role;
}

std::chrono::seconds duration_of(const Request& request, const auth::Caller& caller,
                                 const auth::Principal& role) {
  const std::chrono::seconds duration = request.duration
                                            ? std::chrono::seconds(*request.duration)
                                            : std::min(kDefault, role.max_session_duration);
  const bool chained = caller.principal->type == auth::Principal::Type::role;
  if (chained && duration > kLongestOfChain) {
    throw Error(ErrorCode::validation_error,
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining.");
  }
  if (duration > role.max_session_duration) {
    throw Error(ErrorCode::validation_error,
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  return duration;
}

void check_packed_size(std::size_t percent) {
  if (percent <= 100) return;
  throw Error(ErrorCode::packed_policy_too_large,
              "Packed policy consumes " + std::to_string(percent) + "% of allotted space");
}

}  // namespace

void assume_role(Call& call, Xml& result) {
  const auth::Caller& caller = call.identity.caller;
  const Request request = read(call.parameters);
  call.record.request_parameters = parameters_json(request);
  if (!is_role_arn(request.role_arn)) {
    throw Error(ErrorCode::validation_error, request.role_arn + " is invalid");
  }
  auth::SessionClaims claims;
  add_tags(claims, request, caller);
  add_policy(claims, request);
  const std::size_t percent = packed_size_percent(claims);
  check_packed_size(percent);
  const auth::PrincipalPtr role = authorize(call, request, claims);
  call.record.resources.push_back(
      {.arn = role->arn, .account = role->account, .type = "AWS::IAM::Role"});
  const std::chrono::seconds duration = duration_of(request, caller, *role);

  claims.kind = auth::SessionClaims::Kind::role;
  claims.principal_arn = role->arn;
  claims.principal_id = role->unique_id;
  claims.session_name = request.session_name;
  const bool packed = !claims.policies.empty() || !claims.tags.empty();
  const Credentials credentials = issue(call, std::move(claims), duration);
  const std::string user_id = role->unique_id + ":" + request.session_name;
  const std::string user_arn = auth::assumed_role_arn(*role, request.session_name);
  result.open("AssumedRoleUser");
  result.element("AssumedRoleId", user_id);
  result.element("Arn", user_arn);
  result.close("AssumedRoleUser");
  credentials.write(result);
  if (packed) result.element("PackedPolicySize", std::to_string(percent));
  call.record.response_elements =
      "{\"credentials\":" + credentials.json() +
      ",\"assumedRoleUser\":{\"assumedRoleId\":" + json_string(user_id) +
      ",\"arn\":" + json_string(user_arn) + "}}";
}

}  // namespace kms::sts
