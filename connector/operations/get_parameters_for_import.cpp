#include <chrono>
#include <utility>

#include "connector/operations/imports.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr std::chrono::hours kValidity{24};

api::GetParametersForImportResponse get_parameters_for_import(
    Call& call, const api::GetParametersForImportRequest& in) {
  const keys::AuthorizedKey key = manage_import(call, in.key_id);
  const auto wrapping_key = wrapping_key_kind(in.wrapping_key_spec);
  const auto scheme = import_scheme(key.record(), in.wrapping_algorithm, in.wrapping_key_spec);
  const Timestamp valid_to = call.now() + kValidity;
  call.expect_rsa_generation();
  auto made = call.key_stores()
                  .of(key.record())
                  ->import_parameters(key, scheme, wrapping_key, valid_to, call.deadline());
  return {.key_id = key.arn(),
          .import_token = api::Blob(std::move(made.token)),
          .public_key = SecretBytes::copy_of(made.public_key),
          .parameters_valid_to = valid_to};
}

}  // namespace

extern const Operation kGetParametersForImport;
constinit const Operation kGetParametersForImport =
    operation<get_parameters_for_import>("GetParametersForImport");

}  // namespace kms::operations
