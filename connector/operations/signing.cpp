#include "connector/operations/signing.h"

#include "connector/api/error.h"

namespace kms::operations {

Signing prepare_signing(Call& call, const SigningRequest& request) {
  auto key = call.authorize(request.key_id, {.grant_tokens = &request.grant_tokens});
  call.check_usage(key, api::KeyUsageType::sign_verify);
  call.check_state(key);
  const keys::KeySpecRow& spec = keys::key_spec(key.record().spec);
  keys::check_algorithm(spec, request.algorithm);
  const keys::SigningRow& algorithm = keys::signing_algorithm(request.algorithm);
  const auto type = request.message_type.value_or(api::MessageType::raw);
  keys::check_message(spec, algorithm, type, request.message.size());
  const pkcs11::MessageForm form = keys::message_form(type);
  auto store = call.key_stores().of(key.record());
  if (!algorithm.scheme || !store->signs(*algorithm.scheme, form, call.deadline())) {
    throw api::unsupported_operation("Algorithm " + std::string(api::to_string(request.algorithm)) +
                                     " with message type " + std::string(api::to_string(type)) +
                                     " is not supported in this Region");
  }
  call.end_dry_run(request.dry_run);
  return {
      .key = std::move(key), .store = std::move(store), .scheme = *algorithm.scheme, .form = form};
}

}  // namespace kms::operations
