#include "connector/api/error.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

api::GenerateRandomResponse generate_random(Call& call, const api::GenerateRandomRequest& in) {
  if (!in.number_of_bytes) throw api::validation_error("NumberOfBytes is required.");
  Call::refuse_recipient(in.recipient);
  call.authorize_account();
  const auto store = in.custom_key_store_id
                         ? call.key_stores().custom(call.scope(), *in.custom_key_store_id)
                         : call.key_stores().region(call.scope().region);
  // Not before: only a store that is there has a quota.
  call.context().rates.admit_random(call.scope(), in.custom_key_store_id.value_or(""));
  return {.plaintext =
              store->random(static_cast<std::size_t>(*in.number_of_bytes), call.deadline())};
}

}  // namespace

extern const Operation kGenerateRandom;
constinit const Operation kGenerateRandom = operation<generate_random>("GenerateRandom");

}  // namespace kms::operations
