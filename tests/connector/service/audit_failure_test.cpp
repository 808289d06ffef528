#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/service/harness.h"

namespace kms::test {
namespace {

TEST(FullAuditFile, RefusesWhatOnlyTheFileRecordsUntilThereIsRoom) {
  Harness kms;
  const std::string key = kms.create_key();
  const std::string body = "{\"KeyId\":\"" + key + R"(","KeySpec":"AES_256"})";
  const std::string file = kms.config().audit.file;
  kms.stop();
  kms.config().audit.file = "/dev/full";
  kms.start();
  const Answer refused = kms.call("GenerateDataKey", body);
  EXPECT_EQ(refused.outcome(), "500 KMSInternalException: The audit record could not be written.");
  EXPECT_EQ(refused.at("Plaintext"), "(absent)");
  // The record of a change is committed with it.
  const std::string made = kms.create_key();
  kms.stop();
  kms.config().audit.file = file;
  kms.start();
  EXPECT_EQ(kms.call("GenerateDataKey", body).outcome(), "200");
  const auto records = [&] {
    return std::ranges::count_if(kms.audit_lines(), [&](const std::string& line) {
      return line.find("\"CreateKey\"") != std::string::npos &&
             line.find(kms.arn(made)) != std::string::npos;
    });
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (records() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(records(), 1);
}

}  // namespace
}  // namespace kms::test
