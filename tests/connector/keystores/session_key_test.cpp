#include <optional>
#include <string>

#include "connector/base/encodings.h"
#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

class SessionKey : public KeyStoresTest {
 protected:
  SessionKey() { config_.default_region = "us-east-1"; }

  std::string mac(std::string_view message = "message",
                  std::chrono::milliseconds within = std::chrono::seconds{60}) {
    std::string hex;
    const std::string said = outcome([&] {
      hex = to_hex(stores()
                       .session_mac(as_bytes(message), std::chrono::steady_clock::now() + within)
                       .view());
    });
    return said == "OK" ? hex : said;
  }
};

TEST_F(SessionKey, IsMadeOnceAndKept) {
  EXPECT_EQ(db().session_key("us-east-1"), nullptr);
  const std::string first = mac();
  EXPECT_EQ(first.size(), 64U);
  const auto record = db().session_key("us-east-1");
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->key.kind, pkcs11::KeyKind::hmac_256);
  EXPECT_EQ(mac(), first);
  EXPECT_NE(mac("another message"), first);
  restart();
  EXPECT_EQ(mac(), first);
  EXPECT_EQ(*db().session_key("us-east-1"), *record);
}

TEST_F(SessionKey, OfAnAbsentTokenIsAnInternalErrorAtOnce) {
  const std::string first = mac();
  ASSERT_EQ(first.size(), 64U);
  stop();
  proxy().absent_until_restored("us-east-1");
  start();
  const auto begun = proxy().count("C_Sign").calls;
  EXPECT_EQ(mac(), "500 KMSInternalException: Internal error.");
  EXPECT_EQ(proxy().count("C_Sign").calls, begun);
  stop();
  proxy().restore();
  start();
  EXPECT_EQ(mac(), first);
}

TEST_F(SessionKey, OfATokenThatIsLostIsAnInternalErrorAtTheDeadline) {
  const std::string first = mac();
  proxy().absent_until_restored("us-east-1");
  EXPECT_EQ(mac("message", std::chrono::milliseconds{300}),
            "500 KMSInternalException: Internal error.");
  proxy().restore();
  EXPECT_EQ(mac(), first);
}

}  // namespace
}  // namespace kms::test
