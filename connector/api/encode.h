#pragma once

#include "connector/api/error.h"
#include "connector/api/schema.h"
#include "connector/api/types.h"
#include "connector/base/bytes.h"

namespace kms::api {

[[nodiscard]] SecretBytes encode_object(const Structure& structure, const void* object);

/// The body of a response: absent members omitted, timestamps as epoch seconds, blobs as base64.
/// Secrets go straight into the result.
template <class Output>
[[nodiscard]] SecretBytes encode(const Output& output) {
  return encode_object(structure_of<Output>(), &output);
}
[[nodiscard]] inline SecretBytes encode(const NoOutput&) { return {}; }

/// The body of an error: {"__type":"NotFoundException","message":"..."}.
[[nodiscard]] SecretBytes encode_error(const Error& error);

}  // namespace kms::api
