#pragma once

#include <span>
#include <string>
#include <string_view>

#include "connector/api/error.h"
#include "connector/api/schema.h"

namespace kms::api {

/// Reads `body` into a fresh `object` of the structure. Throws as decode() does.
void decode_into(const Structure& structure, void* object, std::span<char> body);

/// Reads a request from JSON by the model. The body is overwritten meanwhile (strings are unescaped
/// where they stand, so that nothing secret is copied); the caller owns and wipes it. Throws Error
/// in AWS's wording:
///  * SerializationException: not JSON, a value of the wrong type. Stricter than AWS: member names
///  that occur twice in
///    one object, lone surrogates and nesting deeper than any request has are refused too.
///  * ValidationException: what the model forbids, up to ten violations in one message.
/// Unknown members are ignored and null means absent, also inside lists and maps.
template <class Request>
[[nodiscard]] Request decode(std::span<char> body) {
  Request request{};
  decode_into(structure_of<Request>(), &request, body);
  return request;
}

/// For tests and fuzzers: decodes the request of that operation and tells what the audit record
/// would hold of it.
[[nodiscard]] std::string decode_any(const OperationInfo& operation, std::span<char> body);

}  // namespace kms::api
