#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "connector/api/request.h"
#include "connector/api/response.h"

namespace kms::service {

/// What the outside of a request says, before anything is authenticated.
struct Target {
  std::string operation;  // in the model
};

/// An answer that is not in the JSON protocol: CORS, and XML for requests that name no operation.
struct Foreign {
  api::Response response;
  std::string error_code;  // for the audit record; empty: none
};

/// The operation that the target names, whether there is one of the name or not; empty without a
/// target of KMS.
std::string_view claimed_operation(const api::Request& request);

/// Looks at method, content type, target and whether there is a body. Throws
/// UnknownOperationException or SerializationException as AWS does, even for unsigned requests.
std::variant<Target, Foreign> read_target(const api::Request& request);

}  // namespace kms::service
