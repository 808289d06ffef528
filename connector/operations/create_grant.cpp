#include <algorithm>
#include <string>
#include <utility>

#include "connector/api/error.h"
#include "connector/auth/grant_token.h"
#include "connector/keys/grant_operations.h"
#include "connector/operations/grants.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;
using api::GrantOperation;
using Operations = std::vector<GrantOperation>;

constexpr std::size_t kMaxPairs = 8;
constexpr std::size_t kMaxValue = 384;  // characters
constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kTokenKeyBytes = 32;

std::string listed(const Operations& operations) {
  std::string names;
  for (const GrantOperation operation : operations) {
    names.append(names.empty() ? "" : ", ").append(api::to_string(operation));
  }
  return "[" + names + "]";
}

void check_constraint(const std::optional<api::StringMap>& pairs) {
  if (!pairs) return;
  if (pairs->size() > kMaxPairs) {
    throw api::validation_error("A grant constraint can have at most 8 encryption context pairs.");
  }
  for (const auto& [name, value] : *pairs) {
    const auto characters = std::ranges::count_if(
        value, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    if (static_cast<std::size_t>(characters) > kMaxValue) {
      throw api::validation_error(
          "An encryption context value in a grant constraint can have at most 384 characters.");
    }
  }
}

void check_request(const api::CreateGrantRequest& in) {
  const auto is_create_grant = [](GrantOperation o) { return o == GrantOperation::create_grant; };
  if (in.operations.empty()) {
    throw api::validation_error("Grants must contain at least one operation.");
  }
  if (std::ranges::all_of(in.operations, is_create_grant)) {
    throw api::validation_error("Grants must not contain only the CreateGrant operation.");
  }
  if (in.constraints) {
    check_constraint(in.constraints->encryption_context_equals);
    check_constraint(in.constraints->encryption_context_subset);
  }
}

void check_against_key(const api::CreateGrantRequest& in, const keys::KeyRecord& key) {
  const Operations valid = keys::grant_operations(key);
  Operations wrong;
  std::ranges::copy_if(in.operations, std::back_inserter(wrong), [&](GrantOperation operation) {
    return std::ranges::count(valid, operation) == 0;
  });
  const bool symmetric = key.spec == api::KeySpec::symmetric_default;
  if (!wrong.empty()) {
    const bool secret = symmetric || key.usage == api::KeyUsageType::generate_verify_mac;
    throw api::validation_error(
        "Operations " + listed(wrong) + " are not supported when creating a grant for " +
        (secret ? "a symmetric" : "an asymmetric") + " KMS key with key usage " +
        std::string(api::to_string(key.usage)) + ". Valid operations are " + listed(valid) + ".");
  }
  const bool constrained = in.constraints && (in.constraints->encryption_context_equals ||
                                              in.constraints->encryption_context_subset);
  if (constrained && !symmetric) {
    throw api::validation_error(
        "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS "
        "key.");
  }
}

bool same_parameters(const keys::GrantRecord& a, const keys::GrantRecord& b) {
  return a.retiring_principal == b.retiring_principal && a.operations == b.operations &&
         a.constraints == b.constraints && a.issuing_account == b.issuing_account &&
         a.parent == b.parent;
}

/// The grant with the same name and parameters: a call that is repeated makes no second one.
keys::GrantPtr existing(const Call& call, const keys::GrantRecord& grant) {
  if (grant.name.empty()) return nullptr;
  const auto named =
      call.store().grants_named(grant.scope, grant.key_id, grant.grantee_principal, grant.name);
  const auto found = std::ranges::find_if(
      named, [&](const keys::GrantPtr& other) { return same_parameters(*other, grant); });
  return found == named.end() ? nullptr : *found;
}

api::CreateGrantResponse create_grant(Call& call, const api::CreateGrantRequest& in) {
  check_request(in);
  const auto key =
      call.authorize(in.key_id, {.accepts = Accepts::key_only, .grant_tokens = &in.grant_tokens});
  check_against_key(in, key.record());
  std::string grantee = grant_principal(call, in.grantee_principal);
  std::string retiring = in.retiring_principal ? grant_principal(call, *in.retiring_principal) : "";
  call.check_state(key);

  keys::GrantRecord grant{.scope = key.record().scope,
                          .key_id = key.record().id,
                          .id = make_hex_id(call.random(), kIdBytes),
                          .name = in.name.value_or(""),
                          .grantee_principal = std::move(grantee),
                          .retiring_principal = std::move(retiring),
                          .issuing_account = call.scope().account,
                          .operations = in.operations,
                          .constraints = in.constraints.value_or(api::GrantConstraints{}),
                          .created = call.now(),
                          .parent = call.allowing_grant() ? call.allowing_grant()->id : "",
                          .token_key = Bytes(kTokenKeyBytes)};
  call.random().fill(grant.token_key);
  const keys::GrantPtr standing = existing(call, grant);
  if (!standing &&
      call.store().grant_count(grant.scope, grant.key_id) >= call.limits().grants_per_key) {
    throw Error(ErrorCode::limit_exceeded, "The number of grants on this key is at its limit.");
  }
  call.end_dry_run(in.dry_run);
  api::CreateGrantResponse response{
      .grant_token = auth::make_grant_token(standing ? *standing : grant, call.random()),
      .grant_id = standing ? standing->id : grant.id};
  std::vector<storage::Change> changes;
  if (!standing) changes.emplace_back(storage::Put<keys::GrantRecord>{std::move(grant)});
  call.commit(std::move(changes), response);
  return response;
}

}  // namespace

extern const Operation kCreateGrant;
constinit const Operation kCreateGrant = operation<create_grant>("CreateGrant");

}  // namespace kms::operations
