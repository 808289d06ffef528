#include "connector/operations/call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "connector/api/error.h"
#include "connector/auth/grant_token.h"
#include "connector/base/encodings.h"
#include "connector/keys/key_metadata.h"
#include "connector/keys/key_state.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

}  // namespace

/// Whatever was decided goes into the audit record, a refusal too.
class Call::DecisionNote {
 public:
  /// `key_account`: whose key it is about, if it is about one.
  DecisionNote(Call& call, keys::Action action, std::string key_account = {})
      : call_(call), action_(action), key_account_(std::move(key_account)) {}
  DecisionNote(const DecisionNote&) = delete;
  DecisionNote& operator=(const DecisionNote&) = delete;
  ~DecisionNote() { call_.note_decision(action_, key_account_); }

 private:
  Call& call_;
  keys::Action action_;
  std::string key_account_;
};

Call::Call(const Context& context, std::string_view operation, auth::Identity identity,
           audit::Record& record, pkcs11::Deadline deadline)
    : context_(context),
      operation_(operation),
      identity_(std::move(identity)),
      scope_{identity_.caller.account, identity_.region},
      record_(record),
      deadline_(deadline) {}

keys::Action Call::action(const Use& use) const {
  return keys::Action{use.action.empty() ? operation_ : use.action};
}

void Call::expect_rsa_generation() {
  if (again_) return;  // all attempts share one deadline
  deadline_ = std::max(
      deadline_, std::chrono::steady_clock::now() + context_.config.limits.key_generation_deadline);
}

void Call::authorize_account(std::string_view action, std::string_view resource,
                             const Replica* replica) {
  const keys::Action asked{action.empty() ? operation_ : action};
  auth::RequestContext context = request_context();
  if (replica != nullptr) {
    context.environment.region = replica->region;
    context.primary = &replica->primary;
  }
  const DecisionNote note(*this, asked);
  context_.authorizer.authorize_account(caller(), asked, resource, context, decision_);
}

void Call::authorize_tagging_on_create(const Replica* replica) {
  constexpr std::string_view kAction = "TagResource";
  try {
    authorize_account(kAction, "*", replica);
  } catch (const Error& error) {
    constexpr std::string_view kResource = " on resource: *";
    std::string text = error.message().value_or("");
    if (const auto at = text.find(kResource); at != std::string::npos)
      text.erase(at, kResource.size());
    throw Error(error.code(), std::move(text));
  }
}

keys::KeyPtr Call::visible_key(const Scope& scope, std::string_view id) const {
  keys::KeyPtr key = context_.store.key(scope, id);
  return key && key->visible() ? key : nullptr;
}

keys::GrantPtr Call::grant_of_token(std::string_view token) const {
  keys::GrantPtr grant = auth::find_grant(context_.store, token);
  if (!grant || grant->scope.region != scope_.region || !visible_key(grant->scope, grant->key_id)) {
    throw Error(ErrorCode::invalid_grant_token, "The grant token is not valid.");
  }
  return grant;
}

// Grants count as soon as they are made, so that a token tells nothing new; but it must be a valid
// one.
void Call::check_grant_tokens(const Use& use) const {
  if (use.grant_tokens == nullptr || !*use.grant_tokens) return;
  for (const std::string& token : **use.grant_tokens) static_cast<void>(grant_of_token(token));
}

auth::RequestContext Call::request_context() const {
  return {.environment = {.time = record_.time,
                          .region = scope_.region,
                          .source_ip = record_.source_ip,
                          .user_agent = record_.user_agent,
                          .secure_transport = record_.tls.has_value()},
          .input = input_,
          .request = request_};
}

auth::RequestContext Call::request_context(const keys::KeyRecord& key) const {
  auth::RequestContext context = request_context();
  // A replica is asked for where it is, whichever Region was called.
  context.environment.region = key.scope.region;
  context.key_aliases = [this, &key] {
    return auth::alias_names(context_.store, key, limits().aliases_per_key);
  };
  context.last_use = [this, &key]() -> std::optional<Timestamp> {
    const auto use_of_key = last_use(key);
    return use_of_key ? std::optional(use_of_key->time) : std::nullopt;
  };
  return context;
}

void Call::note_decision(keys::Action action, const std::string& key_account) {
  using enum auth::Reason;
  const auth::Reason reason = decision_.reason;
  const bool by_key = reason == key_policy || reason == grant || reason == retirement;
  record_.decisions.push_back({.action = action.str(),
                               .allowed = decision_.allowed,
                               .policy = decision_.policy,
                               .statement = decision_.statement,
                               .account = by_key ? key_account : std::string()});
}

void Call::authorize_retirement(const keys::GrantPtr& grant) {
  keys::KeyPtr key = visible_key(grant->scope, grant->key_id);
  if (!key) {
    throw api::not_found("Key '" + key_arn(grant->scope, grant->key_id) + "' does not exist");
  }
  touches(key->arn(), key->scope.account);
  auth::RequestContext context = request_context(*key);
  context.retired = grant.get();
  const DecisionNote note(*this, action({}), key->scope.account);
  static_cast<void>(context_.authorizer.authorize_retirement(caller(), std::move(key), grant,
                                                             context, decision_));
}

keys::AuthorizedKey Call::authorize_record(Named named, const Use& use) {
  const keys::KeyRecord& key = *named.key;
  auth::RequestContext context = request_context(key);
  if (use.encryption_context != nullptr && *use.encryption_context) {
    context.encryption_context = &**use.encryption_context;
  }
  context.alias = named.alias;
  context.same_key = use.same_key;
  touches(key.arn(), key.scope.account);
  keys::AuthorizedKey authorized = [&] {
    const DecisionNote note(*this, action(use), key.scope.account);
    return context_.authorizer.authorize(caller(), action(use), named.key, context, decision_);
  }();
  // Not before: being throttled tells that a key exists.
  admit(scope_, operation_, key);
  return authorized;
}

Call::Named Call::find(std::string_view reference, const Use& use) const {
  const keys::KeyReference named = keys::parse_key_reference(reference, scope_, use.accepts);
  const bool foreign = named.scope.account != scope_.account;
  std::string key_id = named.key_id;
  if (!named.alias.empty()) {
    const keys::AliasPtr alias = context_.store.alias(named.scope, named.alias);
    if (!alias) {
      if (foreign) auth::Authorizer::deny_foreign(caller(), action(use));
      throw api::not_found("Alias " + alias_arn(named.scope, named.alias) + " is not found.");
    }
    key_id = alias->target_key_id;
  }
  keys::KeyPtr key = visible_key(named.scope, key_id);
  if (!key) {
    if (foreign) auth::Authorizer::deny_foreign(caller(), action(use));
    throw api::not_found("Key '" + key_arn(named.scope, key_id) + "' does not exist");
  }
  return {.key = std::move(key), .alias = named.alias};
}

keys::KeyPtr Call::find_key(std::string_view reference, const Use& use) const {
  return find(reference, use).key;
}

// The tokens come first: whether one is valid must not tell whether another account's key exists.
keys::AuthorizedKey Call::authorize(std::string_view reference, const Use& use) {
  check_grant_tokens(use);
  return authorize_record(find(reference, use), use);
}

keys::AuthorizedKey Call::authorize(const keys::CiphertextHeader& header, const Use& use) {
  check_grant_tokens(use);
  keys::KeyPtr key = key_of(header);
  if (!key) auth::Authorizer::deny_ciphertext(caller(), action(use));
  try {
    return authorize_record({.key = std::move(key), .alias = {}}, use);
  } catch (const Error& error) {
    // Whether the key exists must not show.
    if (error.code() == ErrorCode::access_denied)
      auth::Authorizer::deny_ciphertext(caller(), action(use));
    throw;
  }
}

keys::KeyPtr Call::key_of(const keys::CiphertextHeader& header) const {
  // Relatives of a multi-Region key open each other's ciphertexts; any other key is at home in one
  // Region.
  const bool here = header.region == scope_.region || header.key_id.starts_with("mrk-");
  return here ? visible_key({header.account, scope_.region}, header.key_id) : nullptr;
}

keys::AuthorizedKey Call::authorize_also(keys::KeyPtr key) {
  const auth::RequestContext context = request_context(*key);
  const DecisionNote note(*this, action({}), key->scope.account);
  return context_.authorizer.authorize(caller(), action({}), key, context, decision_);
}

void Call::check_keeps_control(const keys::KeyRecord& key, const auth::Policy& policy) const {
  if (auth::Authorizer::keeps_control(caller(), key, policy, request_context(key))) return;
  throw Error(ErrorCode::malformed_policy_document,
              "The new key policy will not allow you to update the key policy in the future.");
}

void Call::check_usage(const keys::AuthorizedKey& key, api::KeyUsageType usage) const {
  const keys::KeyRecord& record = key.record();
  if (record.usage == usage) return;
  throw Error(ErrorCode::invalid_key_usage,
              key.arn() + " key usage is " + std::string(api::to_string(record.usage)) +
                  " which is not valid for " + std::string(operation_) + ".");
}

void Call::check_state(const keys::AuthorizedKey& key) const {
  keys::check_state(operation_, key.record(), context_.key_stores.available(key.record()), now());
}

keys::AuthorizedKey Call::manage(std::string_view reference, Accepts accepts) {
  keys::AuthorizedKey key = authorize(reference, {.accepts = accepts});
  check_state(key);
  return key;
}

api::KeyMetadata Call::metadata(const keys::KeyRecord& key) const {
  std::string cluster_id;
  if (!key.custom_key_store_id.empty()) {
    const keys::KeyStorePtr store = context_.store.key_store(key.scope, key.custom_key_store_id);
    if (store) cluster_id = store->cluster_id;
  }
  return keys::key_metadata(key, context_.key_stores.available(key), cluster_id, now());
}

void Call::end_dry_run(const std::optional<bool>& dry_run) const {
  if (dry_run.value_or(false)) {
    throw Error(ErrorCode::dry_run_operation,
                "The request would have succeeded, but the DryRun option is set.");
  }
}

void Call::refuse_recipient(const std::optional<api::RecipientInfo>& recipient) {
  if (recipient) {
    throw api::unsupported_operation(
        "Recipient is not supported: attestation documents are not verified yet.");
  }
}

void Call::used(const keys::AuthorizedKey& key) {
  context_.last_uses.note(key.record(), {.operation = std::string(operation_),
                                         .event_id = record_.event_id,
                                         .request_id = record_.request_id,
                                         .time = record_.time});
}

std::optional<keys::LastUse> Call::last_use(const keys::KeyRecord& key) const {
  auto pending = context_.last_uses.pending(key.scope, key.id);
  if (!pending) {
    // What was pending when the record was read may have been written since.
    const keys::KeyPtr now = context_.store.key(key.scope, key.id);
    return now ? now->last_use : key.last_use;
  }
  return key.last_use && key.last_use->time > pending->time ? key.last_use : pending;
}

void Call::begin_again() {
  again_ = true;
  record_.resources.clear();
  record_.decisions.clear();
  record_.response_elements = "null";
}

void Call::touches(const std::string& arn, const std::string& account) {
  record_.resources.push_back({.arn = arn, .account = account});
}

void Call::commit_audited(std::vector<storage::Change> changes) {
  for (std::string& line : audit::to_lines(record_, random())) {
    changes.emplace_back(storage::AppendAudit{std::move(line)});
  }
  context_.store.commit(changes);
  audited_ = true;
  context_.audit.outbox_grew();
}

const EncryptionContext& context_of(const std::optional<EncryptionContext>& context) {
  static const EncryptionContext kEmpty;
  return context ? *context : kEmpty;
}

void check_context_size(const std::optional<EncryptionContext>& context) {
  constexpr std::size_t kMaxBytes = 8192;
  if (!context) return;
  std::size_t size = 2;  // braces
  for (const auto& [name, value] : *context) {
    size += json_string(name).size() + 1 + json_string(value).size() + 1;
  }
  if (size - (context->empty() ? 0 : 1) > kMaxBytes) {
    throw api::validation_error("The encryption context is longer than " +
                                std::to_string(kMaxBytes) + " bytes.");
  }
}

}  // namespace kms::operations
