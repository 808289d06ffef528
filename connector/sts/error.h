#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "connector/api/error.h"

namespace kms::sts {

/// The errors of the Query protocol, by their wire codes.
enum class ErrorCode : std::uint8_t {
  access_denied,
  expired_token,
  incomplete_signature,
  internal_failure,
  invalid_action,
  invalid_client_token_id,
  invalid_parameter_value,
  malformed_input,
  malformed_policy_document,
  missing_authentication_token,
  packed_policy_too_large,
  service_unavailable,
  signature_does_not_match,
  throttling,
  validation_error,
};

/// What an error is on the wire.
struct ErrorInfo {
  std::string_view code;
  int http_status;
};

[[nodiscard]] const ErrorInfo& info(ErrorCode code) noexcept;

/// An answer that is an error, as STS tells it.
class Error final : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  /// What other layers say in the words of the JSON protocol.
  explicit Error(const api::Error& error);

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] std::string_view wire_code() const noexcept { return info(code_).code; }
  [[nodiscard]] int http_status() const noexcept { return info(code_).http_status; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

}  // namespace kms::sts
