#include "connector/operations/data_key.h"

#include "connector/api/error.h"

namespace kms::operations {
namespace {

std::size_t size_of(const DataKeyRequest& request) {
  if (request.key_spec.has_value() == request.number_of_bytes.has_value()) {
    throw api::validation_error("Please specify either number of bytes or key spec.");
  }
  if (request.number_of_bytes) return static_cast<std::size_t>(*request.number_of_bytes);
  if (request.key_spec == api::DataKeySpec::aes_256) return 32;
  if (request.key_spec == api::DataKeySpec::aes_128) return 16;
  // Any other spec of a KMS key passes the decoder, as on AWS.
  throw api::validation_error("1 validation error detected: Value '" +
                              std::string(api::to_string(*request.key_spec)) +
                              "' at 'keySpec' failed to satisfy constraint: Member must satisfy "
                              "enum value set: [AES_256, AES_128]");
}

}  // namespace

void check_makes_data_keys(const Call& call, const keys::AuthorizedKey& key) {
  call.check_usage(key, api::KeyUsageType::encrypt_decrypt);
  call.check_state(key);
  if (key.record().spec != api::KeySpec::symmetric_default) {
    throw api::Error(api::ErrorCode::invalid_key_usage,
                     "You cannot generate a data key with an asymmetric CMK");
  }
}

MadeDataKey make_data_key(Call& call, const DataKeyRequest& request) {
  check_context_size(request.encryption_context);
  const auto key = call.authorize(
      request.key_id,
      {.encryption_context = &request.encryption_context, .grant_tokens = &request.grant_tokens});
  const std::size_t size = size_of(request);
  check_makes_data_keys(call, key);
  call.end_dry_run(request.dry_run);
  auto data_key =
      call.key_stores()
          .of(key.record())
          ->generate_data_key(key, size, context_of(request.encryption_context), call.deadline());
  call.used(key);
  return {.key_arn = key.arn(), .data_key = std::move(data_key)};
}

}  // namespace kms::operations
