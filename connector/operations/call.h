#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/api/redact.h"
#include "connector/api/shapes.h"
#include "connector/audit/record.h"
#include "connector/audit/writer.h"
#include "connector/auth/authorizer.h"
#include "connector/auth/identities.h"
#include "connector/auth/policy.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/base/turns.h"
#include "connector/keys/key_reference.h"
#include "connector/keystores/key_stores.h"
#include "connector/operations/last_uses.h"
#include "connector/operations/request_rates.h"
#include "connector/storage/metadata_store.h"

namespace kms::operations {

using keys::Accepts;
using keys::EncryptionContext;

/// What every operation works with.
struct Context {
  const config::Config& config;
  storage::MetadataStore& store;
  keystores::KeyStores& key_stores;
  const auth::IdentityDirectory& identities;
  const auth::Authorizer& authorizer;
  LastUses& last_uses;
  RequestRates& rates;
  /// Of calls that change what others change too.
  Turns& turns;
  audit::Writer& audit;
  const Clock& clock;
  Random& random;
};

/// Which key an operation asks for, and for what.
struct Use {
  Accepts accepts = Accepts::any;
  /// Asked of the authorizer; the operation's name if empty (ReEncrypt asks for two others).
  std::string_view action{};
  const std::optional<EncryptionContext>* encryption_context = nullptr;
  const std::optional<std::vector<std::string>>* grant_tokens = nullptr;
  std::optional<bool> same_key{};  // ReEncrypt: source and destination are one key
};

/// One authenticated request on its way through its operation.
class Call {
 public:
  Call(const Context& context, std::string_view operation, auth::Identity identity,
       audit::Record& record, pkcs11::Deadline deadline);

  [[nodiscard]] const auth::Caller& caller() const noexcept { return identity_.caller; }
  /// The caller's account and the Region that was called.
  [[nodiscard]] const Scope& scope() const noexcept { return scope_; }
  [[nodiscard]] const Context& context() const noexcept { return context_; }
  [[nodiscard]] const config::Config& config() const noexcept { return context_.config; }
  [[nodiscard]] const config::Limits& limits() const noexcept { return context_.config.limits; }
  [[nodiscard]] storage::MetadataStore& store() const noexcept { return context_.store; }
  [[nodiscard]] keystores::KeyStores& key_stores() const noexcept { return context_.key_stores; }
  [[nodiscard]] Random& random() const noexcept { return context_.random; }
  [[nodiscard]] Timestamp now() const { return context_.clock.now(); }
  [[nodiscard]] pkcs11::Deadline deadline() const noexcept { return deadline_; }
  /// The request makes an RSA key, which takes a token seconds: key_generation_deadline from now.
  void expect_rsa_generation();
  [[nodiscard]] std::string_view operation() const noexcept { return operation_; }
  [[nodiscard]] audit::Record& record() noexcept { return record_; }

  /// The decoded request, whose members fill condition keys; it outlives the call.
  template <class Request>
  void asks(const Request& request) noexcept {
    input_ = &api::structure_of<Request>();
    request_ = &request;
  }

  /// What ReplicateKey makes, as if the caller had called its Region.
  struct Replica {
    const keys::KeyRecord& primary;
    std::string_view region;
  };
  /// Allowed by identity policies alone, or AccessDeniedException: operations without a key, whose
  /// resource is "*", and aliases. An empty action is the operation.
  void authorize_account(std::string_view action = {}, std::string_view resource = "*",
                         const Replica* replica = nullptr);
  /// Tags in CreateKey need kms:TagResource as well; its refusal names no resource.
  void authorize_tagging_on_create(const Replica* replica = nullptr);
  /// The key that made a ciphertext, before anything is authorized on it; null if it is none that
  /// can be used here.
  [[nodiscard]] keys::KeyPtr key_of(const keys::CiphertextHeader& header) const;
  /// The key that a reference names, likewise.
  [[nodiscard]] keys::KeyPtr find_key(std::string_view reference, const Use& use) const;
  /// Resolves the reference and authorizes its use; the steps after that are check_usage() and
  /// check_state().
  [[nodiscard]] keys::AuthorizedKey authorize(std::string_view reference, const Use& use);
  /// The same for the key that made a ciphertext, where the request names none.
  [[nodiscard]] keys::AuthorizedKey authorize(const keys::CiphertextHeader& header, const Use& use);
  /// The same for another key that the operation is about, besides the one that the request names.
  [[nodiscard]] keys::AuthorizedKey authorize_also(keys::KeyPtr key);
  /// RetireGrant: what the grant itself says, besides policies.
  void authorize_retirement(const keys::GrantPtr& grant);
  /// The grant that allowed the latest use; null if policies did.
  [[nodiscard]] const keys::GrantPtr& allowing_grant() const noexcept { return decision_.grant; }
  /// MalformedPolicyDocumentException if the caller could not change the key's policy again once it
  /// is `policy`.
  void check_keeps_control(const keys::KeyRecord& key, const auth::Policy& policy) const;
  /// The grant that made the token; InvalidGrantTokenException if none of this Region did.
  [[nodiscard]] keys::GrantPtr grant_of_token(std::string_view token) const;
  /// InvalidKeyUsageException "<arn> key usage is X which is not valid for <operation>."
  void check_usage(const keys::AuthorizedKey& key, api::KeyUsageType usage) const;
  /// The key state table's answer for this operation.
  void check_state(const keys::AuthorizedKey& key) const;
  /// authorize() and check_state(): all that key management needs.
  [[nodiscard]] keys::AuthorizedKey manage(std::string_view reference,
                                           Accepts accepts = Accepts::key_only);

  /// A key of the scope that callers may see; null if there is none.
  [[nodiscard]] keys::KeyPtr visible_key(const Scope& scope, std::string_view id) const;
  [[nodiscard]] api::KeyMetadata metadata(const keys::KeyRecord& key) const;

  /// DryRunOperationException if the request asked for it: everything was checked, nothing is done.
  void end_dry_run(const std::optional<bool>& dry_run) const;
  /// `Recipient` is refused, never ignored.
  static void refuse_recipient(const std::optional<api::RecipientInfo>& recipient);
  /// Notes a successful cryptographic use.
  void used(const keys::AuthorizedKey& key);
  /// The latest use, written down or not.
  [[nodiscard]] std::optional<keys::LastUse> last_use(const keys::KeyRecord& key) const;

  /// Counts the request against quotas besides its operation's own (RequestRates::admit): once,
  /// however often it is attempted.
  template <class... Quota>
  void admit(const Quota&... quota) {
    if (!again_) context_.rates.admit(quota...);
  }
  void admit_replica(const Scope& replica) {
    if (!again_) context_.rates.admit_replica(replica);
  }
  /// What the attempt so far touched, decided and answered does not count.
  void begin_again();

  /// Names a resource in the audit record.
  void touches(const std::string& arn, const std::string& account);

  /// Commits the changes with the audit record of this request, all or nothing.
  template <class Response>
  void commit(std::vector<storage::Change> changes, const Response& response) {
    record_.response_elements = api::response_elements(response);
    commit_audited(std::move(changes));
  }
  /// For operations without a response.
  void commit(std::vector<storage::Change> changes) { commit_audited(std::move(changes)); }
  /// The audit record has been committed; nobody needs to write it.
  [[nodiscard]] bool audited() const noexcept { return audited_; }

 private:
  void commit_audited(std::vector<storage::Change> changes);
  [[nodiscard]] keys::Action action(const Use& use) const;
  struct Named {
    keys::KeyPtr key;
    std::string alias;  // by which it was named; empty: by its id
  };
  [[nodiscard]] Named find(std::string_view reference, const Use& use) const;
  void check_grant_tokens(const Use& use) const;
  [[nodiscard]] auth::RequestContext request_context() const;
  /// With what conditions may ask of the key; it outlives the context.
  [[nodiscard]] auth::RequestContext request_context(const keys::KeyRecord& key) const;
  [[nodiscard]] keys::AuthorizedKey authorize_record(Named named, const Use& use);
  class DecisionNote;
  /// Notes what decided in the audit record.
  void note_decision(keys::Action action, const std::string& key_account);

  const Context& context_;
  std::string_view operation_;
  auth::Identity identity_;
  Scope scope_;
  audit::Record& record_;
  pkcs11::Deadline deadline_;
  const api::Structure* input_ = nullptr;
  const void* request_ = nullptr;
  auth::Decision decision_;  // the latest
  bool again_ = false;
  bool audited_ = false;
};

/// An absent context is the empty one.
const EncryptionContext& context_of(const std::optional<EncryptionContext>& context);
/// ValidationException if the context is longer than the 8192 bytes of JSON that KMS takes.
void check_context_size(const std::optional<EncryptionContext>& context);

}  // namespace kms::operations
