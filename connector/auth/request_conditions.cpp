#include "connector/auth/request_conditions.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include "connector/api/shapes.h"

namespace kms::auth {
namespace {

using Facts = RequestConditions::Facts;

constexpr std::string_view kEncryptionContext = "kms:encryptioncontext:";
constexpr std::string_view kRequestTag = "aws:requesttag/";
constexpr std::string_view kResourceTag = "aws:resourcetag/";

std::string epoch(Timestamp time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

void append(std::vector<std::string>& values, const api::Shape& shape, const void* value) {
  switch (shape.kind) {
    case api::Kind::string:
      values.push_back(*static_cast<const std::string*>(value));
      return;
    case api::Kind::enumeration:
      values.emplace_back(shape.values[*static_cast<const std::uint8_t*>(value)]);
      return;
    case api::Kind::integer:
      values.push_back(std::to_string(*static_cast<const std::int32_t*>(value)));
      return;
    case api::Kind::boolean:
      values.emplace_back(*static_cast<const bool*>(value) ? "true" : "false");
      return;
    case api::Kind::timestamp:
      values.push_back(epoch(*static_cast<const Timestamp*>(value)));
      return;
    case api::Kind::list:
      for (std::size_t i = 0; i < shape.list->size(value); ++i) {
        append(values, *shape.element, shape.list->at(value, i));
      }
      return;
    case api::Kind::secret_string:
    case api::Kind::blob:
    case api::Kind::secret_blob:
    case api::Kind::map:
    case api::Kind::structure:
      return;
  }
}

template <class Request>
const Request* request_as(const Facts& facts) {
  const bool same = facts.context.input == &api::structure_of<Request>();
  return same ? static_cast<const Request*>(facts.context.request) : nullptr;
}

Values member(const Facts& facts, std::string_view name) { return facts.context.member(name); }

template <class Enum>
Values enumerator(Enum value) {
  return one_value(api::to_string(value));
}

bool is_action(const Facts& facts, std::string_view name) { return facts.action.name == name; }

/// What CreateKey is asked for, or the key's own, which a replica has from its primary.
template <class Enum>
Values of_key(const Facts& facts, Enum keys::KeyRecord::*property,
              std::initializer_list<std::string_view> members, std::string_view standard) {
  if (facts.key != nullptr) return enumerator(facts.key->*property);
  if (facts.context.primary != nullptr) return enumerator(facts.context.primary->*property);
  if (request_as<api::CreateKeyRequest>(facts) == nullptr) return std::nullopt;
  for (const std::string_view name : members) {
    if (Values sent = member(facts, name)) return sent;
  }
  return one_value(standard);
}

Values key_spec(const Facts& facts) {
  return of_key(facts, &keys::KeyRecord::spec, {"KeySpec", "CustomerMasterKeySpec"},
                "SYMMETRIC_DEFAULT");
}

Values key_usage(const Facts& facts) {
  return of_key(facts, &keys::KeyRecord::usage, {"KeyUsage"}, "ENCRYPT_DECRYPT");
}

Values key_origin(const Facts& facts) {
  return of_key(facts, &keys::KeyRecord::origin, {"Origin"}, "AWS_KMS");
}

Values multi_region(const Facts& facts) {
  if (facts.key != nullptr) return truth_value(facts.key->multi_region.has_value());
  if (facts.context.primary != nullptr) return truth_value(true);
  const auto* const create = request_as<api::CreateKeyRequest>(facts);
  return create == nullptr ? Values{} : truth_value(create->multi_region.value_or(false));
}

Values multi_region_type(const Facts& facts) {
  if (facts.key != nullptr) {
    if (!facts.key->multi_region) return std::nullopt;
    return one_value(facts.key->is_replica() ? "REPLICA" : "PRIMARY");
  }
  if (facts.context.primary != nullptr) return one_value("REPLICA");
  const auto* const create = request_as<api::CreateKeyRequest>(facts);
  return create != nullptr && create->multi_region.value_or(false) ? one_value("PRIMARY")
                                                                   : Values{};
}

/// The algorithm in effect: data keys and what is not said otherwise take SYMMETRIC_DEFAULT.
Values encryption_algorithm(const Facts& facts) {
  constexpr std::string_view kDefault = "SYMMETRIC_DEFAULT";
  const auto effective = [&](std::string_view name) {
    Values sent = member(facts, name);
    return sent ? sent : one_value(kDefault);
  };
  if (is_action(facts, "ReEncryptFrom")) return effective("SourceEncryptionAlgorithm");
  if (is_action(facts, "ReEncryptTo")) return effective("DestinationEncryptionAlgorithm");
  if (is_action(facts, "Encrypt") || is_action(facts, "Decrypt"))
    return effective("EncryptionAlgorithm");
  return facts.action.name.starts_with("GenerateDataKey") ? one_value(kDefault) : Values{};
}

Values message_type(const Facts& facts) {
  if (!is_action(facts, "Sign") && !is_action(facts, "Verify")) return std::nullopt;
  Values sent = member(facts, "MessageType");
  return sent ? sent : one_value("RAW");
}

/// Of the grant that a request makes or retires.
const api::GrantConstraints* grant_constraints(const Facts& facts) {
  if (const auto* const create = request_as<api::CreateGrantRequest>(facts); create != nullptr) {
    return create->constraints ? &*create->constraints : nullptr;
  }
  return facts.context.retired != nullptr ? &facts.context.retired->constraints : nullptr;
}

/// The request's own context, else those of its grant.
std::vector<const keys::EncryptionContext*> encryption_contexts(const Facts& facts) {
  if (facts.context.encryption_context != nullptr) return {facts.context.encryption_context};
  std::vector<const keys::EncryptionContext*> contexts;
  const api::GrantConstraints* const constraints = grant_constraints(facts);
  if (constraints == nullptr) return contexts;
  if (constraints->encryption_context_equals)
    contexts.push_back(&*constraints->encryption_context_equals);
  if (constraints->encryption_context_subset)
    contexts.push_back(&*constraints->encryption_context_subset);
  return contexts;
}

Values encryption_context_keys(const Facts& facts) {
  std::vector<std::string> names;
  for (const keys::EncryptionContext* context : encryption_contexts(facts)) {
    for (const auto& [name, value] : *context) {
      if (std::ranges::count(names, name) == 0) names.push_back(name);
    }
  }
  return names.empty() ? Values{} : Values(std::move(names));
}

Values encryption_context_value(const Facts& facts, std::string_view name) {
  for (const keys::EncryptionContext* context : encryption_contexts(facts)) {
    if (Values value = tag_value(*context, name)) return value;
  }
  return std::nullopt;
}

Values grant_constraint_type(const Facts& facts) {
  const api::GrantConstraints* const constraints = grant_constraints(facts);
  std::vector<std::string> types;
  if (constraints != nullptr && constraints->encryption_context_equals) {
    types.emplace_back("EncryptionContextEquals");
  }
  // An empty one is in every context.
  if (constraints != nullptr && constraints->encryption_context_subset &&
      !constraints->encryption_context_subset->empty()) {
    types.emplace_back("EncryptionContextSubset");
  }
  return types.empty() ? Values{} : Values(std::move(types));
}

Values of_action(const Facts& facts, std::initializer_list<std::string_view> actions,
                 std::string_view name) {
  return std::ranges::count(actions, facts.action.name) == 0 ? Values{} : member(facts, name);
}

Values grant_is_for_aws_resource(const Facts& facts) {
  const bool asked = is_action(facts, "CreateGrant") || is_action(facts, "ListGrants") ||
                     is_action(facts, "RevokeGrant");
  return asked ? truth_value(false) : Values{};
}

Values deletion_window(const Facts& facts) {
  if (!is_action(facts, "ScheduleKeyDeletion")) return std::nullopt;
  Values sent = member(facts, "PendingWindowInDays");
  return sent ? sent : one_value("30");
}

Values trailing_days(const Facts& facts) {
  if (!is_action(facts, "DisableKey") && !is_action(facts, "ScheduleKeyDeletion"))
    return std::nullopt;
  const auto last = facts.context.last_use ? facts.context.last_use() : std::nullopt;
  if (!last) return std::nullopt;
  const auto days = std::chrono::floor<std::chrono::days>(facts.context.environment.time - *last);
  return one_value(std::to_string(std::max<std::int64_t>(days.count(), 0)));
}

constexpr std::string_view kResourceAliases = "kms:resourcealiases";

bool has_aliases(const Facts& facts) {
  return !facts.key_policy && facts.key != nullptr && facts.context.key_aliases;
}

Values resource_aliases(const Facts& facts) {
  if (!has_aliases(facts)) return std::nullopt;
  auto aliases = facts.context.key_aliases();
  return aliases && aliases->empty() ? Values{} : aliases;
}

/// The tags that the request puts on a key.
std::span<const api::Tag> request_tags(const Facts& facts) {
  if (const auto* const create = request_as<api::CreateKeyRequest>(facts); create && create->tags) {
    return *create->tags;
  }
  if (const auto* const copy = request_as<api::ReplicateKeyRequest>(facts); copy && copy->tags) {
    return *copy->tags;
  }
  if (const auto* const add = request_as<api::TagResourceRequest>(facts)) return add->tags;
  return {};
}

Values tag_keys(const Facts& facts) {
  std::vector<std::string> names;
  for (const api::Tag& tag : request_tags(facts)) names.push_back(tag.tag_key);
  return names.empty() ? member(facts, "TagKeys") : Values(std::move(names));
}

Values request_tag(const Facts& facts, std::string_view key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const api::Tag& tag : request_tags(facts)) pairs.emplace_back(tag.tag_key, tag.tag_value);
  return tag_value(pairs, key);
}

Values resource_tag(const Facts& facts, std::string_view key) {
  if (facts.key == nullptr) return std::nullopt;
  return tag_value(facts.key->tags, key);
}

struct Row {
  std::string_view name;  // lower case
  Values (*values)(const Facts& facts);
};

/// Each key once, by name. What AWS fills for its own services only (kms:ViaService, source ARNs of
/// grants, Nitro's attestation) stays absent: no such request reaches us.
constexpr std::array kRows{
    Row{"aws:resourceaccount",
        [](const Facts& f) { return one_value(f.key ? f.key->scope.account : f.caller.account); }},
    Row{"aws:tagkeys", tag_keys},
    Row{"kms:bypasspolicylockoutsafetycheck",
        [](const Facts& f) { return member(f, "BypassPolicyLockoutSafetyCheck"); }},
    Row{"kms:calleraccount", [](const Facts& f) { return one_value(f.caller.account); }},
    Row{"kms:customermasterkeyspec", key_spec},
    Row{"kms:customermasterkeyusage", key_usage},
    Row{"kms:datakeypairspec", [](const Facts& f) { return member(f, "KeyPairSpec"); }},
    Row{"kms:encryptionalgorithm", encryption_algorithm},
    Row{"kms:encryptioncontextkeys", encryption_context_keys},
    Row{"kms:expirationmodel", [](const Facts& f) { return member(f, "ExpirationModel"); }},
    Row{"kms:grantconstrainttype", grant_constraint_type},
    Row{"kms:granteeprincipal",
        [](const Facts& f) { return of_action(f, {"CreateGrant"}, "GranteePrincipal"); }},
    Row{"kms:grantisforawsresource", grant_is_for_aws_resource},
    Row{"kms:grantoperations",
        [](const Facts& f) { return of_action(f, {"CreateGrant"}, "Operations"); }},
    Row{"kms:keyagreementalgorithm",
        [](const Facts& f) { return member(f, "KeyAgreementAlgorithm"); }},
    Row{"kms:keyorigin", key_origin},
    Row{"kms:keyspec", key_spec},
    Row{"kms:keyusage", key_usage},
    Row{"kms:macalgorithm", [](const Facts& f) { return member(f, "MacAlgorithm"); }},
    Row{"kms:messagetype", message_type},
    Row{"kms:multiregion", multi_region},
    Row{"kms:multiregionkeytype", multi_region_type},
    Row{"kms:primaryregion", [](const Facts& f) { return member(f, "PrimaryRegion"); }},
    Row{"kms:reencryptonsamekey",
        [](const Facts& f) {
          return f.context.same_key ? truth_value(*f.context.same_key) : Values{};
        }},
    Row{"kms:replicaregion", [](const Facts& f) { return member(f, "ReplicaRegion"); }},
    Row{"kms:requestalias", [](const Facts& f) { return one_value(f.context.alias); }},
    Row{kResourceAliases, resource_aliases},
    Row{"kms:retiringprincipal",
        [](const Facts& f) { return of_action(f, {"CreateGrant"}, "RetiringPrincipal"); }},
    Row{"kms:rotationperiodindays",
        [](const Facts& f) { return member(f, "RotationPeriodInDays"); }},
    Row{"kms:schedulekeydeletionpendingwindowindays", deletion_window},
    Row{"kms:signingalgorithm", [](const Facts& f) { return member(f, "SigningAlgorithm"); }},
    Row{"kms:trailingdayswithoutkeyusage", trailing_days},
    Row{"kms:validto", [](const Facts& f) { return member(f, "ValidTo"); }},
    Row{"kms:wrappingalgorithm", [](const Facts& f) { return member(f, "WrappingAlgorithm"); }},
    Row{"kms:wrappingkeyspec", [](const Facts& f) { return member(f, "WrappingKeySpec"); }},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::name));

}  // namespace

Values RequestContext::member(std::string_view name) const {
  if (input == nullptr) return std::nullopt;
  const auto found = std::ranges::find(input->members, name, &api::Member::name);
  if (found == input->members.end()) return std::nullopt;
  const void* value = found->get(request);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> values;
  append(values, *found->shape, value);
  return values;
}

Values RequestConditions::given(const ConditionKey& key) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : facts_.context.given) {
    if (equal_ignoring_case(name, key.lower())) values.push_back(value);
  }
  return values.empty() ? Values{} : Values(std::move(values));
}

Values RequestConditions::values(const ConditionKey& key) const {
  if (Values outweighing = given(key)) return outweighing;
  const std::string_view name = key.lower();
  if (name.starts_with(kEncryptionContext)) {
    return encryption_context_value(facts_, key.behind(kEncryptionContext));
  }
  if (name.starts_with(kRequestTag)) return request_tag(facts_, key.behind(kRequestTag));
  if (name.starts_with(kResourceTag)) return resource_tag(facts_, key.behind(kResourceTag));
  const auto* const row = std::ranges::lower_bound(kRows, name, {}, &Row::name);
  if (row != kRows.end() && row->name == name) return row->values(facts_);
  return global_values(key, facts_.caller, facts_.context.environment);
}

bool RequestConditions::untold(const ConditionKey& key) const {
  return key.lower() == kResourceAliases && has_aliases(facts_) && !given(key) &&
         !facts_.context.key_aliases();
}

std::vector<std::string_view> kms_condition_keys() {
  std::vector<std::string_view> names{kEncryptionContext, kRequestTag, kResourceTag};
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace kms::auth
