#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "connector/api/error_code.h"

namespace kms::api {

/// What an error is on the wire.
struct ErrorInfo {
  std::string_view code;  // the value of __type
  int http_status;
  bool capital_message;  // the body spells it "Message"
};

[[nodiscard]] const ErrorInfo& info(ErrorCode code) noexcept;

/// An answer that is an error, as the API tells it. Some errors carry no message member at all.
class Error final : public std::exception {
 public:
  explicit Error(ErrorCode code) noexcept : code_(code) {}
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::optional<std::string>& message() const noexcept { return message_; }
  [[nodiscard]] std::string_view wire_code() const noexcept { return info(code_).code; }
  [[nodiscard]] int http_status() const noexcept { return info(code_).http_status; }
  /// The message, or the wire code if there is none.
  [[nodiscard]] const char* what() const noexcept override {
    return message_ ? message_->c_str() : wire_code().data();
  }

 private:
  ErrorCode code_;
  std::optional<std::string> message_;
};

[[nodiscard]] inline Error validation_error(std::string message) {
  return {ErrorCode::validation, std::move(message)};
}
[[nodiscard]] inline Error unsupported_operation(std::string message) {
  return {ErrorCode::unsupported_operation, std::move(message)};
}
[[nodiscard]] inline Error not_found(std::string message) {
  return {ErrorCode::not_found, std::move(message)};
}
[[nodiscard]] inline Error access_denied(std::string message) {
  return {ErrorCode::access_denied, std::move(message)};
}
[[nodiscard]] inline Error invalid_state(std::string message) {
  return {ErrorCode::kms_invalid_state, std::move(message)};
}
[[nodiscard]] inline Error throttled() {
  return {ErrorCode::throttling,
          "You have exceeded the rate at which you may call KMS. Reduce the frequency of your "
          "calls."};
}
[[nodiscard]] inline Error internal_error(std::string message = "Internal error.") {
  return {ErrorCode::kms_internal, std::move(message)};
}

}  // namespace kms::api
