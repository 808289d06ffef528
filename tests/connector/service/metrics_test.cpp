#include "connector/service/metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace kms::service {
namespace {

bool has_line(const Metrics& metrics, const std::string& line) {
  return ("\n" + metrics.expose()).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsRequestsByOperationAndCode) {
  Metrics metrics;
  metrics.finished("Encrypt", "OK", 0.002);
  metrics.finished("Encrypt", "OK", 0.003);
  metrics.finished("Encrypt", "NotFoundException", 0.001);
  metrics.finished("unknown", "UnknownOperationException", 0.0);
  EXPECT_TRUE(has_line(metrics, R"(kms_requests_total{code="OK",operation="Encrypt"} 2)"))
      << metrics.expose();
  EXPECT_TRUE(
      has_line(metrics, R"(kms_requests_total{code="NotFoundException",operation="Encrypt"} 1)"));
  EXPECT_TRUE(has_line(
      metrics, R"(kms_requests_total{code="UnknownOperationException",operation="unknown"} 1)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_request_seconds_count{operation="Encrypt"} 3)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_request_seconds_bucket{operation="Encrypt",le="0.001"} 1)"));
}

TEST(Metrics, LosesNoCountBetweenThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&metrics] {
      for (int j = 0; j < 1000; ++j) {
        metrics.finished("Decrypt", "OK", 0.001);
        metrics.refused("connections");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(has_line(metrics, R"(kms_requests_total{code="OK",operation="Decrypt"} 8000)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_refused_total{reason="connections"} 8000)"));
}

TEST(Metrics, ShowsTheTokensThatAreThere) {
  Metrics metrics;
  metrics.set_connections(3);
  metrics.set_tokens({{.name = "us-east-1", .ready = true, .epoch = 1},
                      {.name = "cks-1234567890abcdef0", .custom = true, .epoch = 4}});
  EXPECT_TRUE(has_line(metrics, "kms_connections 3"));
  EXPECT_TRUE(has_line(metrics, R"(kms_token_ready{token="us-east-1"} 1)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_token_ready{token="cks-1234567890abcdef0"} 0)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_token_epoch{token="cks-1234567890abcdef0"} 4)"));
  metrics.set_tokens({{.name = "us-east-1", .ready = false, .epoch = 2}});
  EXPECT_TRUE(has_line(metrics, R"(kms_token_ready{token="us-east-1"} 0)"));
  EXPECT_EQ(metrics.expose().find("cks-"), std::string::npos);
}

TEST(Metrics, CountsReloadsOfTheConfiguration) {
  Metrics metrics;
  EXPECT_TRUE(has_line(metrics, R"(kms_configuration_reloads_total{result="ok"} 0)"));
  metrics.reloaded(true);
  metrics.reloaded(false);
  metrics.reloaded(false);
  EXPECT_TRUE(has_line(metrics, R"(kms_configuration_reloads_total{result="ok"} 1)"));
  EXPECT_TRUE(has_line(metrics, R"(kms_configuration_reloads_total{result="failed"} 2)"));
}

TEST(Metrics, TellsTheVersion) {
  const Metrics metrics;
  EXPECT_NE(metrics.expose().find("\nkms_build_info{version=\""), std::string::npos);
}

}  // namespace
}  // namespace kms::service
