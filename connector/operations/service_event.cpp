#include "connector/operations/service_event.h"

#include "connector/base/encodings.h"

namespace kms::operations {

audit::Record service_event(const Context& context, const std::string& name,
                            const keys::KeyRecord& key, const std::string& details) {
  audit::Record record;
  record.event_id = make_uuid(context.random);
  record.request_id = make_uuid(context.random);
  record.time = context.clock.now();
  record.event_name = name;
  record.region = key.scope.region;
  record.read_only = false;
  record.resources = {{.arn = key.arn(), .account = key.scope.account}};
  record.event_type = "AwsServiceEvent";
  record.service_event_details = "{\"keyId\":" + json_string(key.id) + details + "}";
  record.recipient_account = key.scope.account;
  return record;
}

}  // namespace kms::operations
