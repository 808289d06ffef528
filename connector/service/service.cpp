#include "connector/service/service.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "connector/api/encode.h"
#include "connector/api/error.h"
#include "connector/base/clock.h"
#include "connector/base/log.h"
#include "connector/operations/table.h"
#include "connector/service/dependencies.h"
#include "connector/service/protocol.h"

namespace kms::service {
namespace {

using api::Error;
using api::ErrorCode;
using SteadyTime = std::chrono::steady_clock::time_point;

void note_failures(audit::Record& record, std::size_t failures) {
  if (failures <= 1) return;
  record.additional_event_data.emplace_back("failedSignaturesInAMinute", std::to_string(failures));
}

bool is_operation(std::string_view name) {
  return api::find_operation(name) != nullptr || sts::find_operation(name) != nullptr;
}

}  // namespace

struct Service::Impl {
  explicit Impl(const Dependencies& dependencies) : deps(dependencies) {}

  api::Response handle(api::Request& request) noexcept;
  /// Everything between the audit record's opening and its writing.
  api::Response answer(api::Request& request, audit::Record& record, bool& audited,
                       SteadyTime deadline);
  auth::Identity authenticate(const api::Request& request, audit::Record& record) const;
  api::Response answer_sts(const api::Request& request, audit::Record& record) const;
  SecretBytes run(api::Request& request, const std::string& operation, audit::Record& record,
                  bool& audited, SteadyTime deadline);
  audit::Record open_record(const api::Request& request) const;
  static api::Response refusal(const Error& error, audit::Record& record);
  void finish(api::Response& response, const audit::Record& record) const;

  Dependencies deps;
};

audit::Record Service::Impl::open_record(const api::Request& request) const {
  const operations::Context& context = deps.context;
  audit::Record record;
  record.event_id = make_uuid(context.random);
  record.request_id = make_uuid(context.random);
  record.time = context.clock.now();
  record.region = context.config.default_region;
  record.source_ip = request.peer_address;
  record.user_agent = request.headers.get("user-agent").value_or("");
  record.host = request.headers.get("host").value_or("");
  record.tls = request.tls;
  return record;
}

auth::Identity Service::Impl::authenticate(const api::Request& request,
                                           audit::Record& record) const {
  std::size_t failures = 0;
  try {
    return deps.verifier.verify(request, auth::kKmsService, &failures);
  } catch (const Error&) {
    note_failures(record, failures);
    throw;
  }
}

api::Response Service::Impl::answer_sts(const api::Request& request, audit::Record& record) const {
  std::size_t failures = 0;
  api::Response response = deps.sts.answer(request, record, &failures);
  note_failures(record, failures);
  return response;
}

SecretBytes Service::Impl::run(api::Request& request, const std::string& operation,
                               audit::Record& record, bool& audited, SteadyTime deadline) {
  auth::Identity identity = authenticate(request, record);
  record.caller = identity.caller;
  record.region = identity.region;
  record.recipient_account = identity.caller.account;
  const operations::Operation* found = operations::find_operation(operation);
  if (found == nullptr) throw api::internal_error();  // the model has no operation without one
  operations::Call call(deps.context, found->name, std::move(identity), record, deadline);
  deps.context.rates.admit(call.scope(), found->name);
  const auto body = request.body.span();
  try {
    SecretBytes answer = found->run(call, {reinterpret_cast<char*>(body.data()), body.size()});
    audited = call.audited();
    return answer;
  } catch (...) {
    audited = call.audited();
    throw;
  }
}

api::Response Service::Impl::refusal(const Error& error, audit::Record& record) {
  record.error_code = error.wire_code();
  record.error_message = error.message().value_or("");
  record.response_elements = "null";
  return {.status = error.http_status(), .headers = {}, .body = api::encode_error(error)};
}

api::Response Service::Impl::answer(api::Request& request, audit::Record& record, bool& audited,
                                    SteadyTime deadline) {
  if (sts::Endpoint::is_addressed(request)) return answer_sts(request, record);
  try {
    const std::string_view claim = claimed_operation(request);
    record.event_name = claim.empty() ? request.method : claim;
    const api::OperationInfo* const claimed = api::find_operation(record.event_name);
    record.read_only = claimed == nullptr || claimed->read_only;
    auto outside = read_target(request);
    if (auto* foreign = std::get_if<Foreign>(&outside)) {
      record.event_name = request.method;
      record.read_only = true;
      record.error_code = foreign->error_code;
      return std::move(foreign->response);
    }
    return {.status = 200,
            .headers = {},
            .body = run(request, std::get<Target>(outside).operation, record, audited, deadline)};
  } catch (const Error& error) {
    return refusal(error, record);
  } catch (const std::exception& error) {
    log(LogLevel::error, "service",
        record.event_name + " " + record.request_id + ": " + error.what());
    return refusal(api::internal_error(), record);
  }
}

void Service::Impl::finish(api::Response& response, const audit::Record& record) const {
  if (!response.body.empty() && response.body.text().starts_with('<')) {
    response.headers.add("Content-Type", "text/xml");
  } else {
    response.headers.add("Content-Type", "application/x-amz-json-1.1");
  }
  response.headers.add("x-amzn-RequestId", record.request_id);
  response.headers.add("Date", http_date(record.time));
  response.headers.add("Cache-Control", "no-cache, no-store, must-revalidate, private");
  response.headers.add("Expires", "0");
  response.headers.add("Pragma", "no-cache");
}

api::Response Service::Impl::handle(api::Request& request) noexcept {
  const auto started = std::chrono::steady_clock::now();
  api::Response response{.status = 500};
  try {
    audit::Record record = open_record(request);
    bool audited = false;
    response =
        answer(request, record, audited, started + deps.context.config.limits.request_deadline);
    if (!record.caller) record.access_key_id = auth::claimed_access_key_id(request);
    if (!audited) {
      try {
        deps.context.audit.write(audit::to_lines(record, deps.context.random));
      } catch (const std::exception& error) {
        // What cannot be audited is not answered.
        log(LogLevel::error, "audit", error.what());
        response = refusal(api::internal_error("The audit record could not be written."), record);
      }
    }
    finish(response, record);
    if (deps.observer != nullptr) {
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
      deps.observer->finished(is_operation(record.event_name) ? record.event_name : "unknown",
                              record.error_code.empty() ? "OK" : record.error_code, took.count());
    }
  } catch (...) {
    // Out of memory at the worst moment; an empty 500 is all that is certain to work.
    response.status = 500;
    response.body.clear();
  }
  return response;
}

Service::Service(const Dependencies& dependencies) : impl_(std::make_unique<Impl>(dependencies)) {}
Service::~Service() = default;

api::Response Service::handle(api::Request& request) noexcept { return impl_->handle(request); }

}  // namespace kms::service
