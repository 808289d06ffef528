#include "connector/sts/error.h"

#include <array>

namespace kms::sts {
namespace {

struct Row {
  ErrorCode code;
  ErrorInfo info;
};

constexpr std::array kTable{
    Row{ErrorCode::access_denied, {"AccessDenied", 403}},
    Row{ErrorCode::expired_token, {"ExpiredToken", 403}},
    Row{ErrorCode::incomplete_signature, {"IncompleteSignature", 400}},
    Row{ErrorCode::internal_failure, {"InternalFailure", 500}},
    Row{ErrorCode::invalid_action, {"InvalidAction", 400}},
    Row{ErrorCode::invalid_client_token_id, {"InvalidClientTokenId", 403}},
    Row{ErrorCode::invalid_parameter_value, {"InvalidParameterValue", 400}},
    Row{ErrorCode::malformed_input, {"MalformedInput", 400}},
    Row{ErrorCode::malformed_policy_document, {"MalformedPolicyDocument", 400}},
    Row{ErrorCode::missing_authentication_token, {"MissingAuthenticationToken", 403}},
    Row{ErrorCode::packed_policy_too_large, {"PackedPolicyTooLarge", 400}},
    Row{ErrorCode::service_unavailable, {"ServiceUnavailable", 503}},
    Row{ErrorCode::signature_does_not_match, {"SignatureDoesNotMatch", 403}},
    Row{ErrorCode::throttling, {"Throttling", 400}},
    Row{ErrorCode::validation_error, {"ValidationError", 400}},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return true;
}
static_assert(in_order());

/// The Query protocol's name of what the layers below STS throw.
ErrorCode query_code(api::ErrorCode code) {
  switch (code) {
    case api::ErrorCode::access_denied:
      return ErrorCode::access_denied;
    case api::ErrorCode::expired_token:
      return ErrorCode::expired_token;
    case api::ErrorCode::incomplete_signature:
      return ErrorCode::incomplete_signature;
    case api::ErrorCode::invalid_signature:
      return ErrorCode::signature_does_not_match;
    case api::ErrorCode::missing_authentication_token:
      return ErrorCode::missing_authentication_token;
    case api::ErrorCode::service_unavailable:
      return ErrorCode::service_unavailable;
    case api::ErrorCode::throttling:
      return ErrorCode::throttling;
    case api::ErrorCode::unrecognized_client:
      return ErrorCode::invalid_client_token_id;
    case api::ErrorCode::validation:
      return ErrorCode::validation_error;
    default:  // of operations of KMS
      return ErrorCode::internal_failure;
  }
}

}  // namespace

const ErrorInfo& info(ErrorCode code) noexcept {
  return kTable[static_cast<std::size_t>(code)].info;
}

Error::Error(const api::Error& error)
    : code_(query_code(error.code())), message_(error.message().value_or("")) {}

}  // namespace kms::sts
