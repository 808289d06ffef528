#include "pkcs11/split_secret.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace pkcs11 {
namespace {

TEST(SplitSecret, GivesBackWhatItWasGiven) {
  const SplitSecret secret = SecretBytes::copy_of(std::string_view("kmsPswd-1"));
  EXPECT_EQ(secret.join().text(), "kmsPswd-1");
  EXPECT_EQ(secret.join().text(), "kmsPswd-1");
  EXPECT_EQ(secret.size(), 9U);
  EXPECT_EQ(secret.clone().join().text(), "kmsPswd-1");
}

TEST(SplitSecret, IsEmptyByItself) {
  EXPECT_TRUE(SplitSecret().empty());
  EXPECT_TRUE(SplitSecret().join().empty());
  EXPECT_TRUE(SplitSecret(SecretBytes()).join().empty());
}

TEST(SplitSecret, MovesAway) {
  SplitSecret secret = SecretBytes::copy_of(std::string_view("1234"));
  const SplitSecret other = std::move(secret);
  EXPECT_EQ(other.join().text(), "1234");
}

}  // namespace
}  // namespace pkcs11
