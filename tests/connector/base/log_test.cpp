#include "connector/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace kms {
namespace {

using ::testing::MatchesRegex;

TEST(Log, WritesOneLineWithTimeLevelAndSource) {
  testing::internal::CaptureStderr();
  log(LogLevel::warning, "keystores", "token is absent");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              MatchesRegex("20..-..-..T..:..:..\\....Z Warning keystores: token is absent\n"));
}

TEST(Log, EscapesControlCharacters) {
  testing::internal::CaptureStderr();
  log(LogLevel::error, "http\n", "a\nb\r\x1b[2J \x7f \u009B \u00E9 %s %t");
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      testing::EndsWith(" Error http\\n: a\\nb\\x0d\\x1b[2J \\x7f \\xc2\\x9b \u00E9 %s %t\n"));
}

TEST(Log, DropsLinesBelowItsLevel) {
  testing::internal::CaptureStderr();
  log(LogLevel::debug, "base", "dropped");
  set_log_level(LogLevel::error);
  log(LogLevel::warning, "base", "dropped");
  set_log_level(LogLevel::debug);
  log(LogLevel::debug, "base", "kept");
  set_log_level(LogLevel::info);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::EndsWith(" Debug base: kept\n"));
}

}  // namespace
}  // namespace kms
