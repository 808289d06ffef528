#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/api/request.h"
#include "connector/auth/caller.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"

namespace kms::audit {

struct Resource {
  std::string arn;
  std::string account;
  std::string_view type = "AWS::KMS::Key";
};

/// What decided whether one action was allowed.
struct Decision {
  std::string action;  // "kms:Encrypt"
  bool allowed = false;
  std::string
      policy;  // "key policy", an identity policy's name, "grant ID"; empty: nothing allowed it
  std::string statement;  // its Sid, or the grant's name; may be empty
  std::string account{};  // whose key allowed it, by its policy or a grant; empty: no key did
};

/// One request as CloudTrail tells it (spec (f)). request_parameters and response_elements are JSON
/// made by the model's redaction; "null" if there are none.
struct Record {
  std::string event_id;    // uuid
  std::string request_id;  // x-amzn-RequestId
  Timestamp time{};
  std::string_view event_source = "kms.amazonaws.com";
  std::string event_name;  // operation, or what the target said if unknown
  std::string region;
  std::string source_ip;
  std::string user_agent;
  std::optional<auth::Caller> caller;  // absent: not authenticated
  std::string access_key_id;           // as claimed, when not authenticated
  std::string error_code;              // empty: success
  std::string error_message;
  std::string request_parameters = "null";
  std::string response_elements = "null";
  std::vector<std::pair<std::string, std::string>> additional_event_data;  // name, JSON value
  std::vector<Decision> decisions;  // additionalEventData.authorization
  bool read_only = true;
  std::vector<Resource> resources;
  std::optional<api::TlsInfo> tls;
  std::string host;  // clientProvidedHostHeader
  /// "AwsApiCall", or "AwsServiceEvent" for what jobs do.
  std::string event_type = "AwsApiCall";
  std::string service_event_details;  // JSON, service events only
  std::string recipient_account;      // whose record it is
  std::string shared_event_id;        // the same in the records of one event in several accounts
};

/// How each line begins.
constexpr std::string_view kLineBeginning = R"({"eventVersion":)";

/// One line of JSON, without the newline. Of another account's caller a record tells the unique id
/// only.
[[nodiscard]] std::string to_json(const Record& record);

/// The request's record for the caller's account and, if it succeeded with the keys of other
/// accounts, one for each of those, as CloudTrail has it: with what its own keys decided.
[[nodiscard]] std::vector<std::string> to_lines(const Record& record, Random& random);

}  // namespace kms::audit
