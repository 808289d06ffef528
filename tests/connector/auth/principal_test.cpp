#include "connector/auth/principal.h"

#include "connector/auth/identities.h"

#include <gtest/gtest.h>

namespace kms::auth {
namespace {

config::Config make_config() {
  config::Config config;
  config.accounts = {"123456789012", "111122223333"};
  for (const char* const arn :
       {"arn:aws:iam::123456789012:user/team/alice", "arn:aws:iam::123456789012:role/path/app"}) {
    config::Principal principal;
    principal.arn = arn;
    principal.account = "123456789012";
    principal.name = principal.arn.substr(principal.arn.rfind('/') + 1);
    config.principals.push_back(std::move(principal));
  }
  return config;
}

TEST(Principals, AreKnownFromTheConfiguration) {
  const Identities identities(make_config());
  for (const char* const known :
       {"arn:aws:iam::123456789012:user/team/alice", "arn:aws:iam::123456789012:role/path/app",
        "arn:aws:iam::111122223333:root", "arn:aws:sts::123456789012:assumed-role/app/session",
        "arn:aws:sts::111122223333:federated-user/f"}) {
    EXPECT_TRUE(is_principal_arn("aws", known)) << known;
    EXPECT_TRUE(identities.knows(known)) << known;
  }
  for (const char* const unknown :
       {"arn:aws:iam::123456789012:user/alice", "arn:aws:iam::111122223333:role/path/app",
        "arn:aws:iam::999999999999:root", "arn:aws:sts::123456789012:assumed-role/path/session",
        "arn:aws:sts::111122223333:assumed-role/app/session"}) {
    EXPECT_TRUE(is_principal_arn("aws", unknown)) << unknown;
    EXPECT_FALSE(identities.knows(unknown)) << unknown;
  }
  for (const char* const none :
       {"", "*", "123456789012", "arn:aws:iam::123456789012:group/g", "arn:aws:iam::1:root",
        "arn:aws:iam::123456789012:user/", "arn:aws:iam::12345678901x:root",
        "arn:aws:sts::123456789012:assumed-role/app", "arn:aws:sts::123456789012:assumed-role/app/",
        "arn:aws:kms:us-east-1:123456789012:key/x", "arn:aws-cn:iam::123456789012:root"}) {
    EXPECT_FALSE(is_principal_arn("aws", none)) << none;
    EXPECT_FALSE(identities.knows(none)) << none;
  }
}

TEST(Principals, CoverTheirCallers) {
  const Caller alice{.arn = "arn:aws:iam::123456789012:user/team/alice", .account = "123456789012"};
  const Caller session{.arn = "arn:aws:sts::123456789012:assumed-role/app/s",
                       .account = "123456789012"};
  EXPECT_EQ(match_principal("arn:aws:iam::123456789012:user/team/alice", alice),
            PrincipalMatch::caller);
  EXPECT_EQ(match_principal("arn:aws:iam::123456789012:user/alice", alice), PrincipalMatch::none);
  EXPECT_EQ(match_principal("arn:aws:iam::123456789012:root", alice), PrincipalMatch::account);
  EXPECT_EQ(match_principal("arn:aws:iam::111122223333:root", alice), PrincipalMatch::none);
  EXPECT_EQ(match_principal("", alice), PrincipalMatch::none);
  EXPECT_EQ(match_principal("arn:aws:iam::123456789012:role/path/app", session),
            PrincipalMatch::caller);
  EXPECT_EQ(match_principal("arn:aws:sts::123456789012:assumed-role/app/s", session),
            PrincipalMatch::caller);
  EXPECT_EQ(match_principal("arn:aws:sts::123456789012:assumed-role/app/t", session),
            PrincipalMatch::none);
  EXPECT_EQ(match_principal("arn:aws:iam::111122223333:role/path/app", session),
            PrincipalMatch::none);
  EXPECT_EQ(match_principal("arn:aws:iam::123456789012:role/app/other", session),
            PrincipalMatch::none);
}

}  // namespace
}  // namespace kms::auth
