#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "connector/api/decode.h"
#include "connector/api/encode.h"
#include "connector/api/error.h"
#include "connector/api/redact.h"
#include "tests/fuzz/support.h"

namespace {

using namespace kms::api;

/// What is read is written so that it reads the same again, and audited as JSON.
void check_round_trip(const Structure& structure, std::string_view body) {
  std::string text(body);
  text.shrink_to_fit();  // so that a read behind the body is one behind the allocation
  const ErasedObject object = structure.create();
  decode_into(structure, object.get(), std::span<char>(text));
  const auto encoded = encode_object(structure, object.get());
  kms::fuzz::require(kms::fuzz::is_json(encoded.text()), "what is encoded is JSON", encoded.text());
  const std::string audited = audit_json(structure, object.get());
  kms::fuzz::require(kms::fuzz::is_json(audited), "what is audited is JSON", audited);

  std::string again(encoded.text());
  const ErasedObject second = structure.create();
  decode_into(structure, second.get(), std::span<char>(again));
  kms::fuzz::require(encode_object(structure, second.get()).text() == encoded.text(),
                     "what is encoded decodes to the same", encoded.text());
}

}  // namespace

// The first byte chooses the operation, the rest is a body: a request or a response of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const OperationInfo& operation = kms::fuzz::take_operation(input);
  for (const Structure* structure : {operation.input, operation.output}) {
    if (structure == nullptr) continue;
    try {
      check_round_trip(*structure, input);
    } catch (const Error& error) {
      const auto body = encode_error(error);
      kms::fuzz::require(kms::fuzz::is_json(body.text()), "an error is JSON", body.text());
      kms::fuzz::require(error.http_status() < 500, "bad input is the client's error",
                         error.what());
    }
  }
  try {
    std::string body(input);
    kms::fuzz::require(kms::fuzz::is_json(decode_any(operation, std::span<char>(body))),
                       "what is audited is JSON");
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
