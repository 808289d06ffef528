#include "connector/sts/endpoint.h"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "connector/base/log.h"
#include "connector/sts/error.h"

namespace kms::sts {
namespace {

constexpr std::string_view kVersion = "2011-06-15";
constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
// Of errors that come before the service itself.
constexpr std::string_view kFaultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

SecretBytes result_xml(std::string_view operation, const SecretBytes& members,
                       const std::string& request_id) {
  const std::string name(operation);
  Xml head;
  head.open(name + "Response", kNamespace);
  head.open(name + "Result");
  Xml tail;
  tail.close(name + "Result");
  tail.open("ResponseMetadata");
  tail.element("RequestId", request_id);
  tail.close("ResponseMetadata");
  tail.close(name + "Response");
  SecretBytes body = std::move(head).take();
  body.append(members.view());
  body.append(std::move(tail).take().view());
  return body;
}

api::Response refusal(const Error& error, audit::Record& record) {
  record.error_code = error.wire_code();
  record.error_message = error.message();
  record.response_elements = "null";
  Xml xml;
  xml.open("ErrorResponse",
           error.code() == ErrorCode::invalid_action ? kFaultNamespace : kNamespace);
  xml.open("Error");
  xml.element("Type", error.http_status() < 500 ? "Sender" : "Receiver");
  xml.element("Code", error.wire_code());
  xml.element("Message", error.message());
  xml.close("Error");
  xml.element("RequestId", record.request_id);
  xml.close("ErrorResponse");
  return {.status = error.http_status(), .headers = {}, .body = std::move(xml).take()};
}

}  // namespace

bool Endpoint::is_addressed(const api::Request& request) {
  if (request.method != "POST" || request.headers.has("x-amz-target")) return false;
  if (!api::same_header(api::media_type(request.headers), kForm)) return false;
  const std::string_view body = request.body.text();
  return body.starts_with("Action=") || body.find("&Action=") != std::string_view::npos;
}

SecretBytes Endpoint::run(const api::Request& request, audit::Record& record,
                          std::size_t* failures) const {
  const auto parameters = Parameters::parse(request.body.text());
  if (!parameters) throw Error(ErrorCode::malformed_input, "The request is not a well-formed form");
  const std::string* const action = parameters->find("Action");
  const std::string* const version = parameters->find("Version");
  const Operation* const operation = action != nullptr && version != nullptr && *version == kVersion
                                         ? find_operation(*action)
                                         : nullptr;
  record.event_name = action == nullptr ? "" : *action;
  if (operation == nullptr) {
    throw Error(ErrorCode::invalid_action,
                "Could not find operation " + record.event_name + " for version " +
                    (version == nullptr ? "NO_VERSION_SPECIFIED" : *version));
  }
  const auth::Identity identity = verifier_.verify(request, auth::kStsService, failures);
  record.caller = identity.caller;
  record.region = identity.region;
  record.recipient_account = identity.caller.account;
  Call call{.context = context_, .parameters = *parameters, .identity = identity, .record = record};
  Xml members;
  operation->run(call, members);
  return result_xml(operation->name, std::move(members).take(), record.request_id);
}

api::Response Endpoint::answer(const api::Request& request, audit::Record& record,
                               std::size_t* failures) const {
  record.event_source = "sts.amazonaws.com";
  try {
    return {.status = 200, .headers = {}, .body = run(request, record, failures)};
  } catch (const Error& error) {
    return refusal(error, record);
  } catch (const api::Error& error) {
    return refusal(Error(error), record);
  } catch (const std::exception& error) {
    log(LogLevel::error, "sts", record.event_name + " " + record.request_id + ": " + error.what());
    return refusal(Error(ErrorCode::internal_failure, "Internal error."), record);
  }
}

}  // namespace kms::sts
