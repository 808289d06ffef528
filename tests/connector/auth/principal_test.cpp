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
        "arn:aws:sts::123456789012:assumed-role/app/a/b",
        "arn:aws:sts::123456789012:assumed-role/app/*",
        "arn:aws:sts::123456789012:assumed-role/app/s?",
        "arn:aws:sts::123456789012:assumed-role/app/a b",
        "arn:aws:sts::111122223333:federated-user/*", "arn:aws:kms:us-east-1:123456789012:key/x",
        "arn:aws-cn:iam::123456789012:root"}) {
    EXPECT_FALSE(is_principal_arn("aws", none)) << none;
    EXPECT_FALSE(identities.knows(none)) << none;
  }
}

TEST(Principals, AreRememberedByUniqueId) {
  for (const char* const id : {"AIDACKCEVSQ6C2EXAMPLE", "AROADBQP57FF2AEXAMPLE", "AROAAPP:s-1"}) {
    EXPECT_TRUE(is_unique_id(id)) << id;
  }
  for (const char* const other : {"", "*", "123456789012", "AIDA:session", "AIDACK/x", "AROAAPP:",
                                  "AKIAIOSFODNN7EXAMPLE", "arn:aws:iam::123456789012:user/AIDA"}) {
    EXPECT_FALSE(is_unique_id(other)) << other;
  }
}

TEST(Principals, AreShownByTheirArnsWhileTheyAreThere) {
  const std::string alice = "arn:aws:iam::123456789012:user/team/alice";
  const std::string app = "arn:aws:iam::123456789012:role/path/app";
  const std::string session = "arn:aws:sts::123456789012:assumed-role/app/s";
  config::Config config = make_config();
  config.principals[0].unique_id = "AIDAALICE";
  config.principals[1].unique_id = "AROAAPP";
  const Identities identities(config);
  EXPECT_EQ(identities.remembered(alice), "AIDAALICE");
  EXPECT_EQ(identities.remembered(app), "AROAAPP");
  EXPECT_EQ(identities.remembered(session), "AROAAPP:s");
  EXPECT_EQ(identities.shown("AIDAALICE"), alice);
  EXPECT_EQ(identities.shown("AROAAPP"), app);
  EXPECT_EQ(identities.shown("AROAAPP:s"), session);
  EXPECT_EQ(identities.remembered("111122223333"), "arn:aws:iam::111122223333:root");
  for (const char* const same :
       {"*", "999999999999", "arn:aws:iam::111122223333:root", "arn:aws:iam::123456789012:root",
        "arn:aws:sts::111122223333:federated-user/f", "arn:aws:iam::123456789012:user/nobody"}) {
    EXPECT_EQ(identities.remembered(same), same);
    EXPECT_EQ(identities.shown(same), same);
  }

  config.principals[0].unique_id = "AIDANEWALICE";
  config.principals.pop_back();
  const Identities later(config);
  EXPECT_EQ(later.shown("AIDAALICE"), "AIDAALICE");
  EXPECT_EQ(later.shown("AROAAPP:s"), "AROAAPP:s");
}

}  // namespace
}  // namespace kms::auth
