#include "connector/api/request.h"

#include <gtest/gtest.h>

namespace kms::api {
namespace {

TEST(Headers, AreFoundInEitherCase) {
  const Headers headers{{"X-Amz-Target", "TrentService.Encrypt"}, {"host", "a"}};
  EXPECT_EQ(headers.get("x-amz-target"), "TrentService.Encrypt");
  EXPECT_EQ(headers.get("HOST"), "a");
  EXPECT_EQ(headers.get("x-amz-date"), std::nullopt);
  EXPECT_FALSE(same_header("a", "ab"));
  EXPECT_FALSE(same_header("[", "{"));
}

TEST(Headers, KeepRepeatsInOrder) {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("X-B", "2");
  headers.add("x-a", "3");
  EXPECT_EQ(headers.get("X-A"), "1");
  EXPECT_EQ(headers.all("x-A"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_EQ(headers.size(), 3U);
}

}  // namespace
}  // namespace kms::api
