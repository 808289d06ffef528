#pragma once

#include <string>

#include "connector/api/schema.h"
#include "connector/api/types.h"
#include "connector/base/clock.h"

namespace kms::api {

[[nodiscard]] std::string audit_json(const Structure& structure, const void* object);

/// What the audit record tells of a request, as JSON: lower camel case names, dates in words, only
/// members that were sent, or have a default worth telling, and that the model's audit table lets
/// through; "null" if none is left.
/// Never a secret, blob or token.
template <class Request>
[[nodiscard]] std::string request_parameters(const Request& request) {
  return audit_json(structure_of<Request>(), &request);
}

/// The same of a response: "null" for all that read only.
template <class Output>
[[nodiscard]] std::string response_elements(const Output& output) {
  return audit_json(structure_of<Output>(), &output);
}
[[nodiscard]] inline std::string response_elements(const NoOutput&) { return "null"; }

/// CloudTrail's way of writing a date inside parameters: "Aug 10, 2022, 10:38:27 PM" (UTC).
[[nodiscard]] std::string cloudtrail_date(Timestamp time);

}  // namespace kms::api
