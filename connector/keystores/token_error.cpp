#include "connector/keystores/token_error.h"

namespace kms::keystores {
namespace {

enum class Told : std::uint8_t {
  internal,      // KMSInternalException, which SDKs retry
  cluster,       // KMSInvalidStateException: the cluster cannot be reached
  key_material,  // KMSInvalidStateException: the cluster no longer holds the key
  unsupported,   // UnsupportedOperationException
};

struct Row {
  Told region;
  Told custom;
};

constexpr Row row(pkcs11::Failure failure) {
  using enum pkcs11::Failure;
  switch (failure) {
    case module_not_loadable:
    case token_not_found:
    case token_ambiguous:
    case token_absent:
    case device_error:
    case pin_incorrect:
    case pin_locked:
    case pin_not_initialized:
    case user_logged_in_elsewhere:
    case deadline_exceeded:
    case other:
      return {Told::internal, Told::cluster};
    case sessions_exhausted:
      return {Told::internal, Told::internal};
    case key_not_found:
      return {Told::internal, Told::key_material};
    case unsupported:
      return {Told::unsupported, Told::unsupported};
    case material_rejected:
    case bad_argument:
      return {Told::internal, Told::internal};
  }
  return {Told::internal, Told::internal};
}

}  // namespace

api::Error api_error(pkcs11::Failure failure, TokenRole role) {
  const Row rows = row(failure);
  switch (role == TokenRole::region ? rows.region : rows.custom) {
    case Told::internal:
      return api::internal_error();
    case Told::cluster:
      return api::invalid_state("KMS cannot communicate with your CloudHSM cluster");
    case Told::key_material:
      return api::invalid_state(
          "KMS cannot find the key material of the KMS key in your CloudHSM cluster");
    case Told::unsupported:
      return api::unsupported_operation(
          "The token that holds the key does not support the operation.");
  }
  return api::internal_error();
}

}  // namespace kms::keystores
