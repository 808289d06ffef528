#include "connector/service/protocol.h"

#include <optional>
#include <string_view>

#include "connector/api/error.h"
#include "connector/api/schema.h"

namespace kms::service {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";
// What people write by hand. AWS has no use for it; nobody depends on that.
constexpr std::string_view kPlainContentType = "application/json";
constexpr std::string_view kTargetPrefix = "TrentService.";

api::Response text(int status, std::string_view body) {
  api::Response response{.status = status};
  response.body = SecretBytes::copy_of(body);
  return response;
}

bool speaks_json(const api::Request& request) {
  const std::string_view type = api::media_type(request.headers);
  return api::same_header(type, kContentType) || api::same_header(type, kPlainContentType);
}

/// The operation of a well-formed target that the model has.
std::optional<std::string> operation_of(const api::Request& request) {
  const std::string_view name = claimed_operation(request);
  if (api::find_operation(name) == nullptr) return std::nullopt;
  return std::string(name);
}

Foreign preflight(const api::Request& request) {
  api::Response response{.status = 200};
  response.headers.add("Access-Control-Allow-Origin", "*");
  if (const auto headers = request.headers.get("access-control-request-headers")) {
    response.headers.add("Access-Control-Allow-Headers", std::string(*headers));
  }
  if (const auto method = request.headers.get("access-control-request-method")) {
    response.headers.add("Access-Control-Allow-Methods", std::string(*method));
  }
  response.headers.add("Access-Control-Max-Age", "172800");
  return {.response = std::move(response), .error_code = {}};
}

Foreign nameless(const api::Request& request) {
  if (request.headers.has("authorization")) {
    return {
        .response = text(
            403,
            "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be "
            "authorized</Message>\n</AccessDeniedException>\n"),
        .error_code = "AccessDeniedException"};
  }
  return {
      .response = text(403,
                       "<MissingAuthenticationTokenException>\n  <Message>Missing Authentication "
                       "Token</Message>\n</MissingAuthenticationTokenException>\n"),
      .error_code = "MissingAuthenticationTokenException"};
}

}  // namespace

std::string_view claimed_operation(const api::Request& request) {
  std::string_view target = request.headers.get("x-amz-target").value_or("");
  if (!target.starts_with(kTargetPrefix)) return {};
  target.remove_prefix(kTargetPrefix.size());
  return target;
}

std::variant<Target, Foreign> read_target(const api::Request& request) {
  if (request.method == "OPTIONS" && request.headers.has("origin")) return preflight(request);
  const auto operation = operation_of(request);
  const bool json = speaks_json(request);
  if (request.method == "POST" && operation && !json && request.headers.has("content-type")) {
    return Foreign{.response = text(404, "<UnknownOperationException/>\n"),
                   .error_code = "UnknownOperationException"};
  }
  if (request.method != "POST" || !json) return nameless(request);
  if (!operation) throw api::Error(api::ErrorCode::unknown_operation);
  if (request.body.empty()) throw api::Error(api::ErrorCode::serialization);
  return Target{*operation};
}

}  // namespace kms::service
