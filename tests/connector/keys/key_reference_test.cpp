#include "connector/keys/key_reference.h"

#include <gtest/gtest.h>

#include "connector/api/error.h"

namespace kms::keys {
namespace {

const Scope kHome{"123456789012", "us-east-1"};
constexpr std::string_view kId = "1234abcd-12ab-34cd-56ef-1234567890ab";

std::string refusal(std::string_view text, Accepts accepts) {
  try {
    (void)parse_key_reference(text, kHome, accepts);
  } catch (const api::Error& error) {
    return std::string(error.wire_code()) + ": " + error.message().value_or("(none)");
  }
  return "accepted";
}

TEST(KeyReference, TakesAllFourForms) {
  const auto id = parse_key_reference(kId, kHome, Accepts::any);
  EXPECT_EQ(id.key_id, kId);
  EXPECT_EQ(id.scope, kHome);
  const auto arn = parse_key_reference(
      "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", kHome,
      Accepts::any);
  EXPECT_EQ(arn.key_id, "mrk-1234abcd12ab34cd56ef1234567890ab");
  EXPECT_EQ(arn.scope.account, "111122223333");
  const auto alias = parse_key_reference("alias/x", kHome, Accepts::any);
  EXPECT_EQ(alias.alias, "alias/x");
  const auto alias_arn =
      parse_key_reference("arn:aws:kms:us-east-1:123456789012:alias/a/b", kHome, Accepts::any);
  EXPECT_EQ(alias_arn.alias, "alias/a/b");
}

TEST(KeyReference, IgnoresTheCaseOfAKeyId) {
  EXPECT_EQ(
      parse_key_reference("1234ABCD-12ab-34cd-56ef-1234567890AB", kHome, Accepts::key_only).key_id,
      kId);
}

TEST(KeyReference, RefusesAliasesWhereOnlyKeysAreTaken) {
  const std::string text = "InvalidArnException: Key Aliases are not supported for this operation.";
  EXPECT_EQ(refusal("alias/x", Accepts::key_only), text);
  EXPECT_EQ(refusal("arn:aws:kms:us-east-1:123456789012:alias/x", Accepts::key_only), text);
}

TEST(KeyReference, RefusesAnotherRegion) {
  EXPECT_EQ(refusal("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                    Accepts::any),
            "NotFoundException: Invalid arn eu-west-1");
}

TEST(KeyReference, RefusesWhatIsNoKeyId) {
  EXPECT_EQ(refusal("fake-key-id", Accepts::any), "NotFoundException: Invalid keyId 'fake-key-id'");
  EXPECT_EQ(refusal("134f2428cec14b25a1ae9048164dba47", Accepts::any),
            "NotFoundException: Invalid keyId '134f2428cec14b25a1ae9048164dba47'");
  EXPECT_EQ(refusal("mrk-fake-key-id", Accepts::any),
            "NotFoundException: Invalid keyId 'mrk-fake-key-id'");
  EXPECT_EQ(refusal("arn:aws:kms:us-east-1:123456789012:key/foo", Accepts::any),
            "NotFoundException: Invalid keyId foo");
}

TEST(KeyReference, RefusesArnsOfOtherThings) {
  EXPECT_EQ(refusal("arn:aws:s3:::bucket", Accepts::any),
            "InvalidArnException: Invalid arn arn:aws:s3:::bucket");
  EXPECT_EQ(refusal("arn:aws:kms:us-east-1:123456789012:grant/1", Accepts::any),
            "InvalidArnException: Invalid arn arn:aws:kms:us-east-1:123456789012:grant/1");
  const std::string china =
      "arn:aws-cn:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  EXPECT_EQ(refusal(china, Accepts::any), "InvalidArnException: Invalid arn " + china);
}

}  // namespace
}  // namespace kms::keys
