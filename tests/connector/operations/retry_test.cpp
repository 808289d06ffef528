#include <gtest/gtest.h>

#include <functional>

#include "connector/api/error.h"
#include "connector/operations/operation.h"
#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace kms::operations {
namespace {

using Clock = std::chrono::steady_clock;

const Scope kElsewhere{.account = "123456789012", .region = "eu-west-1"};
constexpr const char* kArn = "arn:aws:kms:us-east-1:123456789012:key/a";

class Retry : public testing::Test {
 protected:
  static config::Config config_in(const std::filesystem::path& dir) {
    config::Config config;
    config.storage.sqlite = (dir / "kms.sqlite").string();
    config.audit.file = (dir / "audit.jsonl").string();
    return config;
  }

  /// A call with that deadline, each attempt of which touches a key, does `attempt` and loses to
  /// another commit as long as that answers false.
  void call(Clock::time_point deadline, const std::function<bool(Call&)>& attempt) {
    Call call(context_, "ReplicateKey", {.caller = {.account = "123456789012"}}, record_, deadline);
    retry_conflicts(
        call,
        [](Call& current, const void* request) {
          current.touches(kArn, "123456789012");
          if (!(*static_cast<const std::function<bool(Call&)>*>(request))(current)) {
            throw storage::Error(storage::Fault::conflict, "somebody was faster");
          }
          return SecretBytes{};
        },
        &attempt);
  }

  test::TempDir dir_;
  config::Config config_ = config_in(dir_.path());
  SystemClock clock_;
  SystemRandom random_;
  pkcs11::Modules modules_;
  std::unique_ptr<storage::MetadataStore> store_ = storage::open_sqlite(config_.storage.sqlite);
  keystores::KeyStores key_stores_{config_, modules_, *store_, clock_, random_};
  auth::IdentityDirectory identities_{std::make_shared<const auth::Identities>(config_)};
  auth::Authorizer authorizer_{*store_};
  LastUses last_uses_;
  RequestRates rates_{100, clock_};
  Turns turns_;
  audit::Writer audit_{config_.audit, *store_};
  const Context context_{.config = config_,
                         .store = *store_,
                         .key_stores = key_stores_,
                         .identities = identities_,
                         .authorizer = authorizer_,
                         .last_uses = last_uses_,
                         .rates = rates_,
                         .turns = turns_,
                         .audit = audit_,
                         .clock = clock_,
                         .random = random_};
  audit::Record record_;
};

TEST_F(Retry, GoesOnUntilNobodyIsFaster) {
  int attempts = 0;
  call(Clock::now() + std::chrono::minutes(1), [&](Call&) { return ++attempts == 100; });
  EXPECT_EQ(attempts, 100);
  EXPECT_EQ(record_.resources.size(), 1U);
}

TEST_F(Retry, IsThrottledAtTheDeadline) {
  int attempts = 0;
  try {
    call(Clock::now(), [&](Call&) { return ++attempts == 2; });
    FAIL() << "the call had the time for another attempt";
  } catch (const api::Error& error) {
    EXPECT_EQ(error.wire_code(), "ThrottlingException");
    EXPECT_EQ(error.message(),
              "You have exceeded the rate at which you may call KMS. Reduce the frequency of your "
              "calls.");
  }
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(record_.resources.size(), 1U);
}

TEST_F(Retry, SharesTheTimeToMakeAnRsaKeyAmongAllAttempts) {
  config_.limits.key_generation_deadline = std::chrono::milliseconds(20);
  EXPECT_THROW(call(Clock::now(),
                    [](Call& current) {
                      current.expect_rsa_generation();
                      return false;
                    }),
               api::Error);
}

TEST_F(Retry, HasTheTurnOfItsKeyInEveryRegion) {
  const std::string name = "123456789012/key/a";
  int attempts = 0;
  call(Clock::now() + std::chrono::minutes(1), [&](Call&) {
    EXPECT_EQ(turns_.wait(name, Clock::now()).has_value(), attempts == 0) << attempts;
    return ++attempts == 3;
  });
  EXPECT_TRUE(turns_.wait(name, Clock::now()));
}

TEST_F(Retry, CountsTheRequestOnce) {
  int attempts = 0;
  call(Clock::now() + std::chrono::minutes(1), [&](Call& current) {
    current.admit_replica(kElsewhere);
    current.admit(kElsewhere, current.operation());
    return ++attempts == 20;
  });
  EXPECT_EQ(attempts, 20);
}

}  // namespace
}  // namespace kms::operations
