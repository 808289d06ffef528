#include "connector/operations/request_rates.h"

#include <gtest/gtest.h>

#include "connector/api/error.h"

namespace kms::operations {
namespace {

class TestClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return now_; }
  void advance(std::chrono::milliseconds duration) { now_ += duration; }

 private:
  Timestamp now_{std::chrono::milliseconds(1'700'000'000'000)};
};

const Scope kHere{.account = "123456789012", .region = "us-east-1"};
const Scope kElsewhere{.account = "123456789012", .region = "eu-west-1"};

class Rates : public testing::Test {
 protected:
  static keys::KeyRecord key(api::KeySpec spec, const std::string& store = "") {
    keys::KeyRecord key;
    key.scope = kHere;
    key.spec = spec;
    key.custom_key_store_id = store;
    return key;
  }
  /// How many calls pass before one is refused, at most `most`.
  template <class Call>
  static int passed(const Call& call, int most = 100'000) {
    for (int i = 0; i < most; ++i) {
      try {
        call();
      } catch (const api::Error& error) {
        EXPECT_EQ(error.wire_code(), "ThrottlingException");
        EXPECT_EQ(error.http_status(), 400);
        EXPECT_EQ(error.message(),
                  "You have exceeded the rate at which you may call KMS. Reduce the frequency of "
                  "your calls.");
        return i;
      }
    }
    return most;
  }

  TestClock clock_;
};

TEST_F(Rates, AreUnlimitedUnlessConfigured) {
  RequestRates rates(0, clock_);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "CreateKey"); }), 100'000);
  const auto symmetric = key(api::KeySpec::symmetric_default);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Encrypt", symmetric); }), 100'000);
}

TEST_F(Rates, AreAwsFiguresForEachOperation) {
  RequestRates rates(100, clock_);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "CreateKey"); }), 5);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "EnableKey"); }), 5);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "ListKeys"); }), 500);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "DescribeKey"); }), 2000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "GetParametersForImport"); }), 1);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "CreateGrant"); }), 50);
  EXPECT_EQ(passed([&] { rates.admit(kElsewhere, "CreateGrant"); }), 50);
}

TEST_F(Rates, OfCreateKeyCountAReplicaTwice) {
  RequestRates rates(100, clock_);
  EXPECT_EQ(passed([&] { rates.admit_replica(kElsewhere); }), 2);
  EXPECT_EQ(passed([&] { rates.admit(kElsewhere, "CreateKey"); }), 1);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "CreateKey"); }), 5);
  // However low the rates are set, a replica can be made.
  RequestRates low(10, clock_);
  EXPECT_EQ(passed([&] { low.admit_replica(kElsewhere); }), 1);
  clock_.advance(std::chrono::seconds(3));
  EXPECT_EQ(passed([&] { low.admit_replica(kElsewhere); }), 0);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(passed([&] { low.admit_replica(kElsewhere); }), 1);
}

TEST_F(Rates, AreSharedByTheCryptographicOperationsOfAClassOfKeys) {
  RequestRates rates(100, clock_);
  const auto symmetric = key(api::KeySpec::symmetric_default);
  const auto mac = key(api::KeySpec::hmac_256);
  const auto rsa = key(api::KeySpec::rsa_2048);
  const auto ecc = key(api::KeySpec::ecc_nist_p256);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Encrypt", symmetric); }, 4000), 4000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "GenerateMac", mac); }, 4000), 4000);
  EXPECT_EQ(passed([&] { rates.admit_random(kHere, ""); }), 2000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Decrypt", symmetric); }), 0);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Sign", rsa); }, 600), 600);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Encrypt", rsa); }), 400);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Sign", ecc); }), 1000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, api::DataKeyPairSpec::rsa_2048); }), 20);
  EXPECT_EQ(passed([&] { rates.admit(kHere, api::DataKeyPairSpec::rsa_3072); }), 4);
  EXPECT_EQ(passed([&] { rates.admit(kHere, api::DataKeyPairSpec::ecc_nist_p256); }), 100);
  EXPECT_EQ(passed([&] { rates.admit(kHere, api::DataKeyPairSpec::ecc_nist_p384); }), 100);
  // A request on a key is counted once: by its key if it is cryptographic, else by its name.
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Sign"); }), 100'000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "GenerateRandom"); }), 100'000);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "EnableKey", ecc); }), 100'000);
}

TEST_F(Rates, AreThoseOfTheCustomKeyStore) {
  RequestRates rates(100, clock_);
  const auto one = key(api::KeySpec::symmetric_default, "cks-1");
  const auto two = key(api::KeySpec::symmetric_default, "cks-2");
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Encrypt", one); }), 1800);
  EXPECT_EQ(passed([&] { rates.admit(kHere, "Encrypt", two); }, 800), 800);
  EXPECT_EQ(passed([&] { rates.admit_random(kHere, "cks-2"); }), 1000);
  EXPECT_EQ(passed([&] { rates.admit_random(kHere, ""); }), 10'000);
}

TEST_F(Rates, ComeBackWithTime) {
  RequestRates rates(10, clock_);
  const auto list = [&] { rates.admit(kHere, "ListKeys"); };
  EXPECT_EQ(passed(list), 50);
  EXPECT_EQ(passed(list), 0);
  clock_.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(passed(list), 5);
  clock_.advance(std::chrono::hours(1));
  EXPECT_EQ(passed(list), 50);
  clock_.advance(-std::chrono::hours(1));
  EXPECT_EQ(passed(list), 0);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(passed(list), 50);
  // Less than one a second still lets one through.
  const auto create = [&] { rates.admit(kHere, "CreateKey"); };
  EXPECT_EQ(passed(create), 1);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(passed(create), 0);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(passed(create), 1);
}

}  // namespace
}  // namespace kms::operations
