#include "connector/base/arn.h"

#include <gtest/gtest.h>

namespace kms {
namespace {

const Scope kScope{.account = "123456789012", .region = "us-east-1"};

TEST(Arn, IsReadAndWrittenAlike) {
  const std::string_view text = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
  const auto arn = Arn::parse(text);
  ASSERT_TRUE(arn.has_value());
  EXPECT_EQ(*arn, (Arn{.partition = "aws",
                       .service = "kms",
                       .region = "us-east-1",
                       .account = "123456789012",
                       .resource = "key/1234abcd"}));
  EXPECT_EQ(arn->str(), text);
}

TEST(Arn, KeepsEmptyPartsAndColonsInTheResource) {
  const auto arn = Arn::parse("arn:aws-cn:iam::123456789012:user/a:b:");
  ASSERT_TRUE(arn.has_value());
  EXPECT_EQ(arn->region, "");
  EXPECT_EQ(arn->resource, "user/a:b:");
  EXPECT_EQ(arn->str(), "arn:aws-cn:iam::123456789012:user/a:b:");
}

TEST(Arn, RefusesOtherText) {
  for (const std::string_view text : {"", "arn", "alias/a", "arn:aws:kms:us-east-1:123456789012",
                                      "ARN:aws:kms:us-east-1:123456789012:key/x", ":::::"}) {
    EXPECT_EQ(Arn::parse(text), std::nullopt) << text;
  }
}

TEST(Arn, NamesKeysAndAliases) {
  EXPECT_EQ(key_arn(kScope, "1234abcd"), "arn:aws:kms:us-east-1:123456789012:key/1234abcd");
  EXPECT_EQ(alias_arn(kScope, "alias/a"), "arn:aws:kms:us-east-1:123456789012:alias/a");
}

}  // namespace
}  // namespace kms
