#include <gtest/gtest.h>

#include <string>

#include "tests/connector/http/client.h"
#include "tests/connector/http/fixture.h"

namespace kms {
namespace {

using test::Client;
using test::post;
using test::TestServer;
using test::TlsOffer;

class TlsListener : public testing::Test {
 protected:
  test::TempDir dir_;
  TestServer server_{test::tls_config(dir_)};
};

TEST_F(TlsListener, ServesTls13AndTellsWhatWasNegotiated) {
  Client client(server_.port(), TlsOffer{.server_name = "kms.example"});
  ASSERT_TRUE(client.connected());
  client.send(post("hello"));
  EXPECT_EQ(client.receive().value().body, "POST / hello");
  client.send(post("again"));
  EXPECT_EQ(client.receive().value().body, "POST / again");
  const auto tls = server_.last().tls;
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->version, "TLSv1.3");
  EXPECT_EQ(tls->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(tls->server_name, "kms.example");
  EXPECT_EQ(tls->key_exchange, "x25519");
}

TEST_F(TlsListener, ServesTls12WithForwardSecrecy) {
  for (const std::string suite :
       {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
        "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384"}) {
    Client client(server_.port(), TlsOffer{.max_version = TLS1_2_VERSION, .suites12 = suite});
    ASSERT_TRUE(client.connected()) << suite;
    client.send(post("hello"));
    EXPECT_EQ(client.receive().value().body, "POST / hello");
    EXPECT_EQ(server_.last().tls.value().version, "TLSv1.2");
    EXPECT_EQ(server_.last().tls.value().cipher, suite);
  }
}

TEST_F(TlsListener, RefusesSuitesWithoutForwardSecrecyOrAuthenticatedEncryption) {
  for (const std::string suite :
       {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-SHA256", "ADH-AES128-GCM-SHA256"}) {
    const Client client(server_.port(), TlsOffer{.max_version = TLS1_2_VERSION, .suites12 = suite});
    EXPECT_FALSE(client.connected()) << suite;
  }
}

TEST_F(TlsListener, RefusesOlderVersions) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const Client client(server_.port(), TlsOffer{.min_version = version, .max_version = version});
    EXPECT_FALSE(client.connected()) << version;
  }
}

TEST_F(TlsListener, ChoosesTheSuiteItself) {
  const Client client(
      server_.port(),
      TlsOffer{.max_version = TLS1_2_VERSION,
               .suites12 = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"});
  ASSERT_TRUE(client.connected());
  EXPECT_STREQ(SSL_get_cipher_name(client.ssl()), "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST_F(TlsListener, ResumesAndRenegotiatesNothing) {
  Client client(server_.port(), TlsOffer{.max_version = TLS1_2_VERSION});
  ASSERT_TRUE(client.connected());
  EXPECT_FALSE(SSL_SESSION_is_resumable(SSL_get_session(client.ssl())));
  client.send(post("hello"));
  ASSERT_TRUE(client.receive());
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
  Client newer(server_.port(), TlsOffer{});
  newer.send(post("hello"));
  ASSERT_TRUE(newer.receive());
  EXPECT_FALSE(SSL_SESSION_is_resumable(SSL_get_session(newer.ssl())));
}

TEST_F(TlsListener, ReadsABodyOfManyRecords) {
  auto config = test::tls_config(dir_);
  config.limits.max_body_bytes = 1 << 20;
  TestServer server(config);
  const std::string body(300000, 'b');
  Client client(server.port(), TlsOffer{});
  client.send(post(body));
  EXPECT_EQ(client.receive().value().body, "POST / " + body);
}

TEST_F(TlsListener, AnswersPipelinedRequestsOfOneRecord) {
  Client client(server_.port(), TlsOffer{});
  client.send(post("one") + post("two"));
  EXPECT_EQ(client.receive().value().body, "POST / one");
  EXPECT_EQ(client.receive().value().body, "POST / two");
}

TEST_F(TlsListener, SaysThatItCloses) {
  Client client(server_.port(), TlsOffer{});
  client.send(post("last", "Connection: close\r\n"));
  ASSERT_TRUE(client.receive());
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN);
}

TEST(TlsFiles, AreNamedWhenTheyCannotBeUsed) {
  const test::TempDir dir;
  const auto failure = [](const config::Config& config) -> std::string {
    try {
      const TestServer server(config);
      return {};
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  };
  auto config = test::tls_config(dir);
  config.listeners.front().tls->certificate = dir.path() / "absent.crt";
  EXPECT_NE(failure(config).find("absent.crt: no certificate chain in PEM"), std::string::npos);
  config = test::tls_config(dir);
  config.listeners.front().tls->private_key =
      dir.write("other.key", test::make_certificate().private_key);
  EXPECT_NE(failure(config).find("other.key: no private key in PEM that fits the certificate"),
            std::string::npos);
}

}  // namespace
}  // namespace kms
