#include "connector/tool/explain.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include "connector/api/error.h"
#include "connector/api/shapes.h"
#include "connector/auth/authorizer.h"
#include "connector/auth/identities.h"
#include "connector/auth/temporary_credentials.h"
#include "connector/base/encodings.h"
#include "connector/keys/key_reference.h"
#include "connector/storage/open_store.h"

namespace kms::tool {
namespace {

constexpr std::string_view kEncryptionContext = "kms:encryptioncontext:";

/// `"a", "b"`.
std::string quoted(std::span<const std::string> values) {
  std::string list;
  for (const std::string& value : values) {
    if (!list.empty()) list += ", ";
    list += json_string(value);
  }
  return list;
}

std::string quoted(const keys::EncryptionContext& pairs) {
  std::string list;
  for (const auto& [name, value] : pairs) {
    if (!list.empty()) list += ", ";
    list += json_string(name) + "=" + json_string(value);
  }
  return list.empty() ? "nothing" : list;
}

/// Whoever signs as this principal; of a role only sessions do.
auth::Caller caller_of(const auth::Identities& identities, const std::string& arn, Timestamp now) {
  if (auto principal = identities.principal(arn);
      principal && principal->type != auth::Principal::Type::role) {
    return auth::make_caller(std::move(principal), nullptr, {});
  }
  auto session = std::make_shared<auth::Session>();
  session->name = "explain";
  session->issued = now;
  auth::PrincipalPtr role = identities.principal(arn);
  if (!role) {
    role = identities.role_of_session(arn);
    session->name = arn.substr(arn.rfind('/') + 1);
  }
  if (!role) throw ExplainFault("no such user, role or root: " + arn);
  return auth::make_caller(std::move(role), std::move(session), {});
}

/// The words after "applies" or "does not apply".
class Words {
 public:
  Words(const auth::Question& question, const auth::Identities& identities)
      : question_(question), identities_(identities) {}

  [[nodiscard]] std::string why(const auth::Statement& statement,
                                const auth::Applies& applies) const {
    if (!applies.principal) {
      return principal_words(*statement.principals) +
             (statement.principals->inverted ? " names the caller" : " is not the caller");
    }
    if (!applies.action) return patterns("Action", statement.actions);
    if (!applies.resource) return patterns("Resource", *statement.resources);
    return applies.failed != nullptr ? condition(*applies.failed) : named(applies.named);
  }

 private:
  [[nodiscard]] std::string principal_words(const auth::PrincipalSet& set) const {
    std::vector<std::string> all;
    for (const std::string& name : set.aws) all.push_back(identities_.shown(name));
    for (const auto& [kind, value] : set.others) all.push_back(kind + " " + value);
    return (set.inverted ? "NotPrincipal " : "Principal ") + quoted(all);
  }
  static std::string patterns(const std::string& element, const auth::PatternSet& set) {
    return set.inverted ? "Not" + element + " " + quoted(set.patterns) + " covers it"
                        : element + " " + quoted(set.patterns) + " does not cover it";
  }
  static std::string named(auth::Named named) {
    switch (named) {
      case auth::Named::account:
        return "to the caller's account, whose identity policies decide";
      case auth::Named::role:
        return "to the role of the session";
      case auth::Named::caller:
        return "to the caller";
      case auth::Named::nobody:
        break;
    }
    return {};
  }
  [[nodiscard]] std::string condition(const auth::Condition& condition) const {
    const auto found = question_.conditions.values(condition.key);
    return condition.operator_name + " " + condition.key.written() + " wants " +
           quoted(condition.values) + ", found " +
           (found && !found->empty() ? quoted(*found) : "nothing");
  }

  const auth::Question& question_;
  const auth::Identities& identities_;
};

class Explanation final {
 public:
  Explanation(const config::Config& config, const ExplainOptions& options, std::ostream& out)
      : config_(config),
        options_(options),
        out_(out),
        identities_(config),
        now_(SystemClock(config.clock_offset).now()),
        caller_(caller_of(identities_, options.principal, now_)),
        action_{std::string_view(options.action).substr(std::string_view("kms:").size())} {
    scope_ = {.account = caller_.account, .region = region()};
    for (const auto& [name, value] : options.context) {
      if (lower_case(name).starts_with(kEncryptionContext)) {
        encryption_context_[name.substr(kEncryptionContext.size())] = value;
      } else if (name.find(':') == std::string::npos) {
        encryption_context_[name] = value;
      } else {
        given_.emplace_back(name, value);
      }
    }
  }

  bool run() {
    out_ << "caller: " << caller_.arn << "\naction: " << options_.action << '\n';
    return options_.key.empty() ? without_key() : with_key();
  }

 private:
  [[nodiscard]] std::string region() const {
    std::string name = options_.region;
    if (name.empty()) name = Arn::parse(options_.key).value_or(Arn{}).region;
    if (name.empty()) name = config_.default_region;
    const auto served = std::ranges::find(config_.regions, name, &config::Region::name);
    if (served == config_.regions.end()) throw ExplainFault("no such Region: " + name);
    return name;
  }

  [[nodiscard]] auth::RequestContext context() const {
    return {.environment = {.time = now_,
                            .region = scope_.region,
                            .source_ip = {},
                            .user_agent = {},
                            .secure_transport =
                                !config_.listeners.empty() && config_.listeners.front().tls},
            .encryption_context = &encryption_context_,
            .given = given_};
  }

  bool without_key() {
    const std::string_view resource = "*";
    auth::RequestContext request = context();
    // A CreateKey that asks for nothing: what --context does not tell has its default.
    const api::CreateKeyRequest create;
    if (action_.name == "CreateKey") {
      request.input = &api::structure_of<api::CreateKeyRequest>();
      request.request = &create;
    }
    const auth::RequestConditions conditions(
        {.caller = caller_, .action = action_, .key = nullptr, .context = request});
    own_policies({.action = options_.action,
                  .resource = resource,
                  .caller = caller_,
                  .conditions = conditions});
    const auto store = storage::open_sqlite_snapshot(config_.storage.sqlite);
    const auth::Authorizer authorizer(*store);
    auth::Decision decision;
    return decided(decision, [&] {
      authorizer.authorize_account(caller_, action_, resource, request, decision);
    });
  }

  bool with_key() {
    const auto store = storage::open_sqlite_snapshot(config_.storage.sqlite);
    std::string alias;
    const keys::KeyPtr key = find_key(*store, alias);
    const std::string arn = key->arn();
    out_ << "key: " << arn << '\n';
    const auth::Authorizer authorizer(*store);
    auth::RequestContext request = context();
    request.alias = alias;
    request.key_aliases = [&] {
      return auth::alias_names(*store, *key, config_.limits.aliases_per_key);
    };
    request.last_use = [&] {
      return key->last_use ? std::optional(key->last_use->time) : std::nullopt;
    };
    key_policy(authorizer, *key, request);
    const auth::RequestConditions conditions(
        {.caller = caller_, .action = action_, .key = key.get(), .context = request});
    own_policies(
        {.action = options_.action, .resource = arn, .caller = caller_, .conditions = conditions});
    grants(*store, authorizer, *key, request);
    if (action_.name.ends_with("Alias")) {
      out_ << "the alias: identity policies must allow it on the ARN of the alias, too\n";
    }
    auth::Decision decision;
    return decided(decision,
                   [&] { (void)authorizer.authorize(caller_, action_, key, request, decision); });
  }

  [[nodiscard]] keys::KeyPtr find_key(const storage::MetadataStore& store,
                                      std::string& alias) const {
    keys::KeyReference reference;
    try {
      reference = keys::parse_key_reference(options_.key, scope_, keys::Accepts::any);
    } catch (const api::Error& error) {
      throw ExplainFault(error.what());
    }
    alias = reference.alias;
    if (!alias.empty()) {
      const keys::AliasPtr found = store.alias(reference.scope, alias);
      if (!found) throw ExplainFault("no such alias: " + alias_arn(reference.scope, alias));
      reference.key_id = found->target_key_id;
    }
    const keys::KeyPtr key = store.key(reference.scope, reference.key_id);
    if (!key || !key->visible()) {
      throw ExplainFault("no such key: " + key_arn(reference.scope, reference.key_id));
    }
    if (!options_.policy) return key;
    auto changed = std::make_shared<keys::KeyRecord>(*key);
    changed->policy = *options_.policy;
    return changed;
  }

  void key_policy(const auth::Authorizer& authorizer, const keys::KeyRecord& key,
                  const auth::RequestContext& request) {
    const auth::RequestConditions conditions({.caller = caller_,
                                              .action = action_,
                                              .key = &key,
                                              .context = request,
                                              .key_policy = true});
    const std::string arn = key.arn();
    try {
      statements("key policy", *authorizer.policy_of(key),
                 {.action = options_.action,
                  .resource = arn,
                  .caller = caller_,
                  .conditions = conditions});
    } catch (const auth::PolicyError& error) {
      throw ExplainFault("the policy: " + error.where() + ": " + error.what());
    }
  }

  void own_policies(const auth::Question& question) {
    const auth::Principal& principal = *caller_.principal;
    if (principal.type == auth::Principal::Type::root) {
      out_ << "identity policies: the root of an account may do everything in it\n";
    } else if (principal.policies.empty()) {
      out_ << "identity policies: none\n";
    }
    for (const auth::NamedPolicy& policy : principal.policies) {
      statements("identity policy " + json_string(policy.name), policy.policy, question);
    }
    if (principal.boundary) {
      statements("permissions boundary " + json_string(principal.boundary->name),
                 principal.boundary->policy, question);
    }
    if (principal.type == auth::Principal::Type::role) {
      out_ << "session policies: not known here; they can only take away\n";
    }
  }

  void statements(const std::string& name, const auth::Policy& policy,
                  const auth::Question& question) {
    const Words words(question, identities_);
    for (std::size_t i = 0; i < policy.statements.size(); ++i) {
      const auth::Statement& statement = policy.statements[i];
      const auth::Applies applies = auth::applies(statement, question);
      const std::string why = words.why(statement, applies);
      out_ << name << ", Statement[" << i << "]";
      if (!statement.sid.empty()) out_ << " " << json_string(statement.sid);
      out_ << (statement.allow ? ", Allow: " : ", Deny: ")
           << (applies.all() ? "applies" : "does not apply:") << (why.empty() ? "" : " ") << why
           << '\n';
    }
  }

  void grants(const storage::MetadataStore& store, const auth::Authorizer& authorizer,
              const keys::KeyRecord& key, const auth::RequestContext& request) {
    const auto policy = authorizer.policy_of(key);
    const auth::KeyQuestion question{.caller = caller_,
                                     .action = action_,
                                     .key = key,
                                     .key_policy = *policy,
                                     .context = request};
    const auto all = auth::grants_for(store, key, caller_);
    if (all.empty()) out_ << "grants: none to the caller\n";
    const char* const covers = action_.name == "CreateGrant"
                                   ? ": covers it, if the new grant permits no more than this one"
                                   : ": covers it";
    for (const keys::GrantPtr& grant : all) {
      out_ << "grant " << grant->id;
      if (!grant->name.empty()) out_ << " " << json_string(grant->name);
      out_ << " to " << identities_.shown(grant->grantee_principal)
           << (auth::grant_covers(*grant, question) ? covers
                                                    : ": does not cover it: " + limits(*grant))
           << '\n';
    }
  }

  [[nodiscard]] std::string limits(const keys::GrantRecord& grant) const {
    std::string operations;
    bool listed = false;
    for (const api::GrantOperation operation : grant.operations) {
      if (!operations.empty()) operations += ", ";
      operations += api::to_string(operation);
      listed = listed || api::to_string(operation) == action_.name;
    }
    if (!listed) return "it is for " + operations;
    const auto& equals = grant.constraints.encryption_context_equals;
    const auto& subset = grant.constraints.encryption_context_subset;
    std::string text;
    if (equals) text += "EncryptionContextEquals " + quoted(*equals) + ", ";
    if (subset) text += "EncryptionContextSubset " + quoted(*subset) + ", ";
    return text + "found " + quoted(encryption_context_);
  }

  template <class Ask>
  bool decided(const auth::Decision& decision, const Ask& ask) {
    std::string refusal;
    try {
      ask();
    } catch (const api::Error& error) {
      refusal = error.what();
    }
    out_ << "decision: " << (decision.allowed ? "allowed " : "denied ");
    if (decision.reason == auth::Reason::not_across_accounts) {
      out_ << "because the operation works on keys of the caller's own account only";
    } else {
      out_ << auth::explain(decision.reason, action_);
    }
    if (!decision.policy.empty()) out_ << ": " << decision.policy;
    if (!decision.statement.empty()) out_ << ", " << json_string(decision.statement);
    out_ << '\n';
    if (!decision.allowed) out_ << "AccessDeniedException: " << refusal << '\n';
    return decision.allowed;
  }

  const config::Config& config_;
  const ExplainOptions& options_;
  std::ostream& out_;
  auth::Identities identities_;
  Timestamp now_;
  auth::Caller caller_;
  keys::Action action_;
  Scope scope_;
  keys::EncryptionContext encryption_context_;
  std::vector<std::pair<std::string, std::string>> given_;
};

}  // namespace

bool explain(const config::Config& config, const ExplainOptions& options, std::ostream& out) {
  return Explanation(config, options, out).run();
}

}  // namespace kms::tool
