#include "connector/audit/record.h"

#include <set>
#include <string_view>
#include <utility>

#include "connector/base/encodings.h"

namespace kms::audit {
namespace {

constexpr std::string_view kInternal = "AWS Internal";
constexpr std::string_view kServiceEvent = "AwsServiceEvent";

// What clients choose is kept no longer than CloudTrail keeps it.
constexpr std::size_t kLongestText = 1024;
constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestHost = 255;

/// The beginning of `text`, not cut within a character.
std::string_view clipped(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// Writes one JSON object to the end of a text.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void text(std::string_view name, std::string_view value) {
    append_json_string(member(name), value);
  }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void json(std::string_view name, std::string_view value) { member(name) += value; }
  void flag(std::string_view name, bool value) { json(name, value ? "true" : "false"); }
  /// Begins a member, whose name needs no escapes; the caller writes its value.
  std::string& member(std::string_view name) {
    // One append for all of it: a record has forty members.
    const std::size_t at = out_.size();
    out_.append(name.size() + 4, '"');
    out_[at] = std::exchange(opening_, ',');
    name.copy(&out_[at + 2], name.size());
    out_.back() = ':';
    return out_;
  }
  void end() { out_ += opening_ == '{' ? "{}" : "}"; }

 private:
  std::string& out_;
  char opening_ = '{';  // what stands before the next member
};

/// Whose session it is, and since when.
void write_session(std::string& out, const auth::Caller& caller) {
  Object context(out);
  const auth::PrincipalPtr& principal = caller.principal;
  if (principal != nullptr && principal->type == auth::Principal::Type::role) {
    Object issuer(context.member("sessionIssuer"));
    issuer.text("type", "Role");
    issuer.text("principalId", principal->unique_id);
    issuer.text("arn", principal->arn);
    issuer.text("accountId", principal->account);
    issuer.text("userName", principal->name);
    issuer.end();
  }
  Object attributes(context.member("attributes"));
  attributes.text("creationDate", iso8601_extended(caller.session->issued));
  attributes.text("mfaAuthenticated", "false");
  attributes.end();
  context.end();
}

bool is_of_another_account(const Record& record) {
  return record.caller && !record.recipient_account.empty() &&
         record.caller->account != record.recipient_account;
}

void write_identity(std::string& out, const Record& record) {
  Object identity(out);
  if (record.event_type == kServiceEvent) {
    identity.text_if_any("accountId", record.recipient_account);
    identity.text("invokedBy", kInternal);
  } else if (record.caller) {
    const auth::Caller& caller = *record.caller;
    const bool foreign = is_of_another_account(record);
    identity.text("type", foreign ? std::string_view("AWSAccount") : std::string_view(caller.type));
    identity.text("principalId", caller.principal_id);
    if (!foreign) identity.text("arn", caller.arn);
    identity.text("accountId", caller.account);
    if (!foreign) {
      identity.text_if_any("accessKeyId", caller.access_key_id);
      identity.text_if_any("userName", caller.user_name);
      if (caller.session != nullptr) write_session(identity.member("sessionContext"), caller);
    }
  } else {
    identity.text("type", "Unknown");
    identity.text_if_any("accessKeyId", clipped(record.access_key_id, kLongestName));
  }
  identity.end();
}

void write_decisions(std::string& out, const std::vector<Decision>& decisions) {
  out += '[';
  for (const Decision& decision : decisions) {
    if (&decision != &decisions.front()) out += ',';
    Object entry(out);
    entry.text("action", decision.action);
    entry.text("effect", decision.allowed ? "Allow" : "Deny");
    entry.text_if_any("policy", decision.policy);
    entry.text_if_any("statement", decision.statement);
    entry.end();
  }
  out += ']';
}

void write_additional_data(std::string& out, const Record& record) {
  Object data(out);
  for (const auto& [name, value] : record.additional_event_data) data.json(name, value);
  if (!record.decisions.empty()) write_decisions(data.member("authorization"), record.decisions);
  data.end();
}

void write_resources(std::string& out, const std::vector<Resource>& resources) {
  out += '[';
  for (const Resource& resource : resources) {
    if (&resource != &resources.front()) out += ',';
    Object entry(out);
    entry.text("accountId", resource.account);
    entry.text("type", resource.type);
    entry.text("ARN", resource.arn);
    entry.end();
  }
  out += ']';
}

void write_tls(std::string& out, const Record& record) {
  Object details(out);
  if (record.tls) {
    details.text_if_any("tlsVersion", record.tls->version);
    details.text_if_any("cipherSuite", record.tls->cipher);
  }
  details.text_if_any("clientProvidedHostHeader", clipped(record.host, kLongestHost));
  if (record.tls) details.text_if_any("keyExchange", record.tls->key_exchange.value_or(""));
  details.end();
}

}  // namespace

std::string to_json(const Record& record) {
  const bool service_event = record.event_type == kServiceEvent;
  std::string out;
  out.reserve(1536);
  Object event(out);
  event.text("eventVersion", "1.11");
  write_identity(event.member("userIdentity"), record);
  event.text("eventTime", iso8601_extended(record.time));
  event.text("eventSource", record.event_source);
  event.text("eventName", clipped(record.event_name, kLongestName));
  event.text("awsRegion", record.region);
  event.text("sourceIPAddress", service_event ? kInternal : std::string_view(record.source_ip));
  event.text("userAgent", service_event ? kInternal : clipped(record.user_agent, kLongestText));
  event.text_if_any("errorCode", record.error_code);
  event.text_if_any("errorMessage", clipped(record.error_message, kLongestText));
  event.json("requestParameters", record.request_parameters);
  event.json("responseElements", record.response_elements);
  if (!record.additional_event_data.empty() || !record.decisions.empty()) {
    write_additional_data(event.member("additionalEventData"), record);
  }
  event.text_if_any("requestID", record.request_id);
  event.text("eventID", record.event_id);
  event.flag("readOnly", record.read_only);
  // CloudTrail shows an empty list for reads without a key, and none for changes (custom key
  // stores).
  if (record.read_only || !record.resources.empty()) {
    write_resources(event.member("resources"), record.resources);
  }
  event.text("eventType", record.event_type);
  event.flag("managementEvent", true);
  const bool own = record.recipient_account.empty() && record.caller.has_value();
  event.text_if_any("recipientAccountId", own ? record.caller->account : record.recipient_account);
  event.text_if_any("sharedEventID", record.shared_event_id);
  if (!record.service_event_details.empty()) {
    event.json("serviceEventDetails", record.service_event_details);
  }
  event.text("eventCategory", "Management");
  if (record.tls || !record.host.empty()) write_tls(event.member("tlsDetails"), record);
  event.end();
  return out;
}

std::vector<std::string> to_lines(const Record& record, Random& random) {
  std::set<std::string> others;
  if (record.caller && record.error_code.empty()) {
    for (const Resource& resource : record.resources) {
      if (resource.account != record.caller->account) others.insert(resource.account);
    }
  }
  std::vector<std::string> lines;
  if (others.empty()) {
    lines.push_back(to_json(record));
    return lines;
  }
  Record shared = record;
  shared.shared_event_id = make_uuid(random);
  lines.push_back(to_json(shared));
  for (const std::string& account : others) {
    shared.event_id = make_uuid(random);
    shared.recipient_account = account;
    shared.resources = record.resources;
    std::erase_if(shared.resources, [&](const Resource& r) { return r.account != account; });
    shared.decisions = record.decisions;
    std::erase_if(shared.decisions, [&](const Decision& d) { return d.account != account; });
    lines.push_back(to_json(shared));
  }
  return lines;
}

}  // namespace kms::audit
