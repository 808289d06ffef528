#pragma once

#include <span>
#include <string>
#include <string_view>

#include "connector/api/decode.h"
#include "connector/api/encode.h"

namespace kms::api {

template <class Request>
Request decode_text(std::string text) {
  return decode<Request>(std::span<char>(text));
}

/// The error body that decoding answers with; "" if it succeeds.
inline std::string refusal(std::string_view operation, std::string text) {
  try {
    static_cast<void>(decode_any(*find_operation(operation), std::span<char>(text)));
    return "";
  } catch (const Error& error) {
    return std::string(encode_error(error).text());
  }
}

/// The message of the ValidationException; the whole body if it is another error.
inline std::string violation(std::string_view operation, std::string text) {
  try {
    static_cast<void>(decode_any(*find_operation(operation), std::span<char>(text)));
    return "";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::validation) return std::string(encode_error(error).text());
    return error.message().value_or("");
  }
}

}  // namespace kms::api
