#pragma once

#include <string>
#include <string_view>

#include "connector/base/bytes.h"

// Base64 (RFC 4648 section 4) between buffers of the caller's, so that no copy of a secret is made
// on the way.
namespace kms::api {

/// What is wrong with padded standard base64, in AWS's words; empty if nothing is. `secret`:
/// without the character that is wrong.
[[nodiscard]] std::string base64_fault(std::string_view text, bool secret);

/// The bytes of faultless base64.
[[nodiscard]] Bytes decode_base64(std::string_view text);
[[nodiscard]] SecretBytes decode_secret_base64(std::string_view text);

/// Appends the base64 of `bytes`.
void append_base64(SecretBytes& out, ByteView bytes);

}  // namespace kms::api
