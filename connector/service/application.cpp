#include "connector/service/application.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connector/audit/writer.h"
#include "connector/auth/authorizer.h"
#include "connector/auth/guess_limit.h"
#include "connector/auth/hourly_keys.h"
#include "connector/auth/identities.h"
#include "connector/auth/session_token.h"
#include "connector/auth/sigv4.h"
#include "connector/auth/temporary_credentials.h"
#include "connector/base/log.h"
#include "connector/jobs/clock_guard.h"
#include "connector/jobs/delete_due_keys.h"
#include "connector/jobs/expire_key_material.h"
#include "connector/jobs/rotate_due_keys.h"
#include "connector/jobs/scheduler.h"
#include "connector/service/dependencies.h"
#include "connector/storage/open_store.h"
#include "connector/sts/endpoint.h"
#include "pkcs11/module.h"

namespace kms::service {

// Members are destroyed from the last to the first: jobs, service, audit, tokens, store, modules.
struct Application::Impl {
  Impl(const config::Config& configuration, Observer* observer)
      : config(configuration),
        clock(configuration.clock_offset),
        store(storage::open_sqlite(configuration.storage.sqlite)),
        key_stores(configuration, modules, *store, clock, random),
        audit(configuration.audit, *store),
        rates(configuration.limits.request_rates, clock),
        identities(std::make_shared<const auth::Identities>(configuration)),
        guesses(configuration.limits.failed_signatures_per_minute),
        verifier(configuration, {.identities = identities,
                                 .clock = real_clock,
                                 .sessions = &temporary_credentials,
                                 .guesses = &guesses}),
        sts({.identities = identities, .tokens = tokens, .clock = clock, .random = random},
            verifier),
        context{.config = config,
                .store = *store,
                .key_stores = key_stores,
                .identities = identities,
                .authorizer = authorizer,
                .last_uses = last_uses,
                .rates = rates,
                .turns = turns,
                .audit = audit,
                .clock = clock,
                .random = random},
        service(Dependencies{
            .context = context, .verifier = verifier, .sts = sts, .observer = observer}),
        guard(configuration.jobs, clock) {
    key_stores.start();
    scheduler.emplace(jobs(), configuration.jobs.interval);
  }

  ~Impl() {
    scheduler.reset();
    write_out();
    key_stores.stop();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  void write_out() {
    try {
      last_uses.flush(*store);
      audit.flush();
    } catch (const std::exception& error) {
      log(LogLevel::warning, "main", std::string("not everything is written: ") + error.what());
    }
  }

  [[nodiscard]] bool ready() const {
    return std::ranges::all_of(key_stores.status(), &keystores::TokenStatus::ready);
  }

  std::vector<jobs::Job> jobs() {
    using jobs::StopFlag;
    return {
        {"delete due keys",
         [this](const StopFlag& stop) {
           guard.tick();
           key_deletion.run(stop);
         }},
        {"rotate due keys", [this](const StopFlag& stop) { jobs::rotate_due_keys(context, stop); }},
        {"expire key material",
         [this](const StopFlag& stop) { jobs::expire_key_material(context, guard, stop); }},
        {"write last uses", [this](const StopFlag&) { last_uses.flush(*store); }},
        {"drop unfinished", [this](const StopFlag&) { drop_unfinished(); }},
        {"reconcile", [this](const StopFlag&) { reconcile_once(); }}};
  }

  void drop_unfinished() {
    for (const std::string& line : key_stores.drop_unfinished(jobs_deadline())) {
      log(LogLevel::warning, "reconcile", line);
    }
  }

  static keystores::Deadline jobs_deadline() {
    constexpr std::chrono::seconds kPatience{60};
    return std::chrono::steady_clock::now() + kPatience;
  }

  /// What a token holds and what the records say are compared once, as soon as the token is there.
  void reconcile_once() {
    const keystores::KeyStores::Reconciled found =
        key_stores.reconcile(reconciled, jobs_deadline());
    for (const std::string& line : found.losses) log(LogLevel::error, "reconcile", line);
    for (const std::string& line : found.lines) log(LogLevel::warning, "reconcile", line);
    if (found.tokens.empty()) return;
    const std::size_t differences = found.losses.size() + found.lines.size();
    std::string text = differences == 0
                           ? "tokens and records agree"
                           : "tokens and records differ in " + std::to_string(differences);
    text += ":";
    for (const std::string& token : found.tokens) text += " " + token;
    log(LogLevel::info, "reconcile", text);
    reconciled.insert(found.tokens.begin(), found.tokens.end());
  }

  const config::Config& config;
  SystemClock real_clock;
  SystemClock clock;
  SystemRandom random;
  pkcs11::Modules modules;
  std::unique_ptr<storage::MetadataStore> store;
  keystores::KeyStores key_stores;
  audit::Writer audit;
  operations::LastUses last_uses;
  operations::RequestRates rates;
  Turns turns;
  auth::Authorizer authorizer{*store};
  auth::IdentityDirectory identities;
  auth::GuessLimit guesses;
  auth::HourlyKeys hourly_keys{
      [this](ByteView message) {
        return key_stores.session_mac(
            message, std::chrono::steady_clock::now() + config.limits.request_deadline);
      },
      clock};
  auth::SessionTokens tokens{hourly_keys, clock};
  auth::TemporaryCredentials temporary_credentials{tokens};
  auth::SignatureVerifier verifier;
  sts::Endpoint sts;
  operations::Context context;
  Service service;
  jobs::ClockGuard guard;
  jobs::KeyDeletion key_deletion{context, guard};
  std::set<std::string> reconciled;  // tokens by name; of the scheduler's thread
  std::optional<jobs::Scheduler> scheduler;
};

Application::Application(const config::Config& config, Observer* observer)
    : impl_(std::make_unique<Impl>(config, observer)) {}
Application::~Application() = default;

Service& Application::service() noexcept { return impl_->service; }

std::vector<keystores::TokenStatus> Application::token_status() const {
  return impl_->key_stores.status();
}

void Application::write_out() { impl_->write_out(); }

bool Application::ready() const { return impl_->ready(); }

void Application::replace_identities(std::shared_ptr<const auth::Identities> identities) {
  impl_->identities.replace(std::move(identities));
}

}  // namespace kms::service
