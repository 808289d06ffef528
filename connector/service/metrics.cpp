#include "connector/service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "connector/base/bytes.h"

namespace kms::service {
namespace {

// From a tenth of a request on a fast token to the deadline of one on a slow token.
const prometheus::Histogram::BucketBoundaries kSeconds{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

template <class Metric>
prometheus::Family<Metric>& family(prometheus::Registry& registry, const char* name,
                                   const char* help) {
  prometheus::Family<Metric>* made = nullptr;
  if constexpr (std::is_same_v<Metric, prometheus::Counter>) {
    made = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  } else if constexpr (std::is_same_v<Metric, prometheus::Gauge>) {
    made = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  } else {
    made = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  return *made;
}

struct TokenGauges {
  prometheus::Gauge* ready;
  prometheus::Gauge* epoch;
};

}  // namespace

struct Metrics::Impl {
  using Counters = std::map<std::string, prometheus::Counter*, std::less<>>;
  struct Operation {
    prometheus::Histogram* seconds = nullptr;
    Counters by_code;
  };

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = family<prometheus::Counter>(
      registry, "kms_requests_total", "Requests answered, by operation and error code (OK: none).");
  prometheus::Family<prometheus::Histogram>& seconds = family<prometheus::Histogram>(
      registry, "kms_request_seconds", "From the request's last byte to its answer's first.");
  prometheus::Family<prometheus::Counter>& refusals = family<prometheus::Counter>(
      registry, "kms_refused_total", "Connections and requests refused before the service.");
  prometheus::Family<prometheus::Counter>& reloads = family<prometheus::Counter>(
      registry, "kms_configuration_reloads_total",
      "Readings of the configuration on SIGHUP, by result (ok, or failed: the old one is kept).");
  prometheus::Counter& reloads_ok = reloads.Add({{"result", "ok"}});
  prometheus::Counter& reloads_failed = reloads.Add({{"result", "failed"}});
  prometheus::Gauge& connections =
      family<prometheus::Gauge>(registry, "kms_connections", "Open connections of the API.")
          .Add({});
  prometheus::Family<prometheus::Gauge>& token_ready = family<prometheus::Gauge>(
      registry, "kms_token_ready", "1 while the token of a Region or custom key store works.");
  prometheus::Family<prometheus::Gauge>& token_epoch =
      family<prometheus::Gauge>(registry, "kms_token_epoch", "Logins to the token so far.");

  Mutex mutex;
  // So that a request builds no map of labels to find its metrics.
  std::map<std::string, Operation, std::less<>> operations KMS_GUARDED_BY(mutex);
  Counters reasons KMS_GUARDED_BY(mutex);
  std::map<std::string, TokenGauges, std::less<>> tokens KMS_GUARDED_BY(mutex);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  family<prometheus::Gauge>(impl_->registry, "kms_build_info", "The version, as a label.")
      .Add({{"version", KMS_VERSION}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::finished(std::string_view operation, std::string_view code, double seconds) noexcept {
  try {
    prometheus::Histogram* histogram = nullptr;
    prometheus::Counter* counter = nullptr;
    {
      const MutexLock lock(impl_->mutex);
      auto known = impl_->operations.find(operation);
      if (known == impl_->operations.end()) {
        known = impl_->operations.emplace(operation, Impl::Operation{}).first;
        known->second.seconds = &impl_->seconds.Add({{"operation", known->first}}, kSeconds);
      }
      histogram = known->second.seconds;
      auto coded = known->second.by_code.find(code);
      if (coded == known->second.by_code.end()) {
        auto& made =
            impl_->requests.Add({{"operation", known->first}, {"code", std::string(code)}});
        coded = known->second.by_code.emplace(code, &made).first;
      }
      counter = coded->second;
    }
    counter->Increment();
    histogram->Observe(seconds);
  } catch (...) {  // a request is not to fail for want of memory to count it
  }
}

void Metrics::refused(std::string_view reason) noexcept {
  try {
    const MutexLock lock(impl_->mutex);
    auto known = impl_->reasons.find(reason);
    if (known == impl_->reasons.end()) {
      auto& made = impl_->refusals.Add({{"reason", std::string(reason)}});
      known = impl_->reasons.emplace(reason, &made).first;
    }
    known->second->Increment();
  } catch (...) {  // as above
  }
}

void Metrics::reloaded(bool taken) noexcept {
  (taken ? impl_->reloads_ok : impl_->reloads_failed).Increment();
}

void Metrics::set_connections(std::size_t open) noexcept {
  impl_->connections.Set(static_cast<double>(open));
}

void Metrics::set_tokens(const std::vector<keystores::TokenStatus>& tokens) {
  const MutexLock lock(impl_->mutex);
  std::set<std::string_view> present;
  for (const keystores::TokenStatus& token : tokens) {
    present.insert(token.name);
    auto known = impl_->tokens.find(token.name);
    if (known == impl_->tokens.end()) {
      const TokenGauges gauges{&impl_->token_ready.Add({{"token", token.name}}),
                               &impl_->token_epoch.Add({{"token", token.name}})};
      known = impl_->tokens.emplace(token.name, gauges).first;
    }
    known->second.ready->Set(token.ready ? 1 : 0);
    known->second.epoch->Set(static_cast<double>(token.epoch));
  }
  std::erase_if(impl_->tokens, [&](const auto& entry) {
    if (present.contains(entry.first)) return false;
    impl_->token_ready.Remove(entry.second.ready);
    impl_->token_epoch.Remove(entry.second.epoch);
    return true;
  });
}

std::string Metrics::expose() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace kms::service
