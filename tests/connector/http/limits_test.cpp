#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "connector/http/head.h"
#include "tests/connector/http/client.h"
#include "tests/connector/http/fixture.h"

namespace kms {
namespace {

using std::chrono::milliseconds;
using test::Client;
using test::post;
using test::TestServer;

/// Sends the bytes; expects this status and the end of the connection.
void expect_refused(TestServer& server, std::string_view bytes, int status) {
  SCOPED_TRACE(bytes.substr(0, 200));
  Client client(server.port());
  client.send(bytes);
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, status);
  EXPECT_EQ(answer->header("Connection"), "close");
  EXPECT_EQ(answer->body, "");
  EXPECT_TRUE(client.ended());
}

struct Hostile {
  const char* name;
  const char* bytes;
  int status;
};

class HostileRequest : public testing::TestWithParam<Hostile> {};

TEST_P(HostileRequest, IsRefusedAndTheConnectionClosed) {
  TestServer server;
  expect_refused(server, GetParam().bytes, GetParam().status);
  EXPECT_EQ(server.last().method, "");
}

constexpr Hostile kHostile[] = {
    {"LengthAndChunked",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     400},
    {"TwoLengths",
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"ListOfLengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
    {"SignedLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400},
    {"NegativeLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400},
    {"HexLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400},
    {"EmptyLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc", 400},
    {"HugeLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
     413},
    {"LengthOverTheLimit", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n", 413},
    {"LengthOverTheLimitWithExpect",
     "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4097\r\n\r\n", 413},
    {"UnknownCoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    {"CodingTwice",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"CodingBeforeChunked",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 501},
    {"ChunkedInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"EmptyLinesBeforeIt", "\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"SpaceBeforeColon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400},
    {"NoColon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length\r\n\r\n", 400},
    {"FoldBeforeTheFirstHeader", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"BareLineFeeds", "POST / HTTP/1.1\nHost: a\n\n", 400},
    {"BareLineFeedInAHeader", "POST / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"BareCarriageReturn", "POST / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
    {"ControlCharacterInAValue", "POST / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n", 400},
    {"NoHost", "POST / HTTP/1.1\r\nX: a\r\n\r\n", 400},
    {"TwoHosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"AbsoluteTargetOfAnotherHost", "POST http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"AuthorityTarget", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"SpaceInTheTarget", "POST /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"NoVersion", "POST /\r\nHost: a\r\n\r\n", 400},
    {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"Http3Version", "POST / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
    {"UnknownExpectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: beer\r\n\r\n", 417},
    {"TlsToAPlainPort", "\x16\x03\x01\x02\n\x01\x02\r\n\r\n", 400},
    {"ChunkSizeNotHex", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     400},
    {"ChunkSizeNegative", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
     400},
    {"ChunkSizeWithSpace",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n", 400},
    {"ChunkSizeHuge",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413},
    {"ChunkOverTheLimit",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n", 413},
    {"ChunksOverTheLimitTogether",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nffe\r\n", 413},
    {"ChunkLongerThanItsSize",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
    {"ChunkLineByLineFeedAlone",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400},
};

INSTANTIATE_TEST_SUITE_P(, HostileRequest, testing::ValuesIn(kHostile),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(HttpLimits, TakesABodyOfExactlyTheLimit) {
  TestServer server;
  const std::string body(4096, 'x');
  Client client(server.port());
  client.send(post(body));
  EXPECT_EQ(client.receive().value().body, "POST / " + body);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + body +
              "\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "POST / " + body);
}

TEST(HttpLimits, RefusesTheBodyThatIsSentRegardless) {
  TestServer server;
  // Far more than the sockets buffer: the answer is read all the same, for the server takes the
  // rest off the wire.
  expect_refused(server, post(std::string(400000, 'x')), 413);
  EXPECT_EQ(server.metric("kms_refused_total{reason=\"body\"}"), "1");
}

TEST(HttpLimits, BoundsTheHead) {
  TestServer server;
  expect_refused(server, post("", "X: " + std::string(http::kMaxHeadBytes, 'x') + "\r\n"), 431);
  expect_refused(server, "GET /" + std::string(http::kMaxHeadBytes, 'x'), 431);
  std::string many;
  for (std::size_t i = 0; i < http::kMaxHeaderLines; ++i) many += "X: 1\r\n";
  expect_refused(server, post("", many), 431);
  EXPECT_EQ(server.metric("kms_refused_total{reason=\"headers\"}"), "3");
}

TEST(HttpLimits, TakesALongHead) {
  TestServer server;
  Client client(server.port());
  client.send(post("b", "X-Amz-Security-Token: " + std::string(20000, 'x') + "\r\n"));
  EXPECT_EQ(client.receive().value().body, "POST / b");
}

TEST(HttpLimits, JoinsFoldedLines) {
  TestServer server;
  Client client(server.port());
  client.send(post("b", "My-Header1: value1\r\n  value2\r\n\tvalue3\r\n"));
  ASSERT_TRUE(client.receive());
  EXPECT_EQ(server.last().headers.get("My-Header1"), "value1 value2 value3");
}

TEST(HttpLimits, TakesAnAbsoluteTargetOfItsHost) {
  TestServer server;
  Client client(server.port());
  client.send("GET http://localhost:1/p?q HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "GET /p?q ");
  client.send("GET http://localhost:1?q HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "GET /?q ");
  client.send("OPTIONS * HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "OPTIONS * ");
}

config::Config impatient(config::Config config) {
  config.limits.header_timeout = milliseconds(200);
  return config;
}

Client client_of(const TestServer& server, const config::Config& config) {
  return config.listeners.front().tls ? Client(server.port(), test::TlsOffer{})
                                      : Client(server.port());
}

/// Feeds a byte at a time, faster than any time-out between two bytes, until the server has enough
/// of it. A machine that stalls just then may not even have the request begun in time, which is no
/// answer at all; then there is more time.
void expect_cut_off(config::Config config, const std::string& start) {
  std::optional<test::Answer> answer;
  for (const milliseconds time : {milliseconds(200), milliseconds(2000), milliseconds(10000)}) {
    config.limits.header_timeout = time;
    TestServer server(config);
    Client client = client_of(server, config);
    client.send(start);
    while (!client.readable(milliseconds(5))) client.send("x");
    answer = client.receive();
    if (!answer) continue;
    EXPECT_TRUE(client.ended());
    EXPECT_EQ(server.metric("kms_refused_total{reason=\"timeout\"}"), "1");
    break;
  }
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_EQ(answer->header("Connection"), "close");
}

TEST(HttpTimeouts, BoundsTheWholeHead) {
  expect_cut_off(test::server_config(), "POST / HTTP/1.1\r\nX: ");
}

TEST(HttpTimeouts, BoundsTheWholeBody) {
  expect_cut_off(test::server_config(),
                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n");
}

TEST(HttpTimeouts, BoundsChunksOfOneByte) {
  expect_cut_off(test::server_config(),
                 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;");
}

TEST(HttpTimeouts, BoundsTheHeadOverTls) {
  const test::TempDir dir;
  expect_cut_off(test::tls_config(dir), "POST / HTTP/1.1\r\nX: ");
}

TEST(HttpTimeouts, BoundsTheHandshake) {
  const test::TempDir dir;
  TestServer server(impatient(test::tls_config(dir)));
  Client client(server.port());  // sends no TLS
  client.send("\x16\x03\x01\x02");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server.metric("kms_refused_total{reason=\"tls\"}"), "1");
}

TEST(HttpTimeouts, ClosesAConnectionThatSendsNothing) {
  TestServer server(impatient(test::server_config()));
  Client client(server.port());
  EXPECT_TRUE(client.ended());
}

TEST(HttpTimeouts, ClosesAConnectionIdleBetweenRequests) {
  auto config = test::server_config();
  config.limits.idle_timeout = milliseconds(100);
  TestServer server(config);
  Client client(server.port());
  client.send(post("one"));
  EXPECT_EQ(client.receive().value().body, "POST / one");
  EXPECT_TRUE(client.ended());
}

// ---- more connections than there is room for

config::Config small(config::Config config) {
  config.limits.max_connections = 1;
  config.limits.queued_connections = 1;
  return config;
}

/// One connection is to be refused. The server has two seconds of patience with it: one that a
/// stalling machine keeps longer may be closed without the answer, and another one is tried.
void expect_full(TestServer& server, const config::Config& config) {
  constexpr int kMost = 5;
  int tries = 0;
  std::optional<test::Answer> answer;
  while (!answer && tries < kMost) {
    ++tries;
    Client refused = client_of(server, config);
    refused.send(post("refused"));
    answer = refused.receive();
    EXPECT_TRUE(refused.ended());
  }
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(answer->header("Retry-After"), "1");
  EXPECT_EQ(answer->header("Connection"), "close");
  EXPECT_EQ(answer->body,
            R"({"__type":"ServiceUnavailableException","message":"The service has no room for )"
            R"(another connection. Try again."})");
  EXPECT_EQ(server.metric("kms_refused_total{reason=\"connections\"}"), std::to_string(tries));
}

TEST(HttpQueue, QueuesThenRefusesWithAnAnswer) {
  const config::Config config = small(test::server_config());
  TestServer server(config);
  Client served(server.port());
  served.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  Client queued(server.port());  // not before: the first to be accepted is not the first served
  queued.send(post("queued"));
  server.await_connections(2);
  expect_full(server, config);
  server.gate.open();
  // Somebody waits, so the one that is served does not keep its place.
  const auto answer = served.receive();
  EXPECT_EQ(answer.value().body, "POST / wait");
  EXPECT_EQ(answer->header("Connection"), "close");
  EXPECT_EQ(queued.receive().value().body, "POST / queued");
}

TEST(HttpQueue, IdleConnectionsMakeRoomOneByOne) {
  auto config = test::server_config();
  config.limits.max_connections = 2;
  TestServer server(config);
  Client one(server.port());
  Client two(server.port());
  for (Client* client : {&one, &two}) {
    client->send(post("mine"));
    ASSERT_TRUE(client->receive());
  }
  Client three(server.port());
  three.send(post("three"));
  EXPECT_EQ(three.receive().value().body, "POST / three");
  // One of the idle ones has been closed, the other is still served.
  while (!one.readable(milliseconds(1)) && !two.readable(milliseconds(1))) {
  }
  const bool closed_one = one.readable(milliseconds(0));
  EXPECT_TRUE((closed_one ? one : two).ended());
  Client& kept = closed_one ? two : one;
  kept.send(post("kept"));
  EXPECT_EQ(kept.receive().value().body, "POST / kept");
}

TEST(HttpQueue, RefusesWithAnAnswerOverTls) {
  const test::TempDir dir;
  const config::Config config = small(test::tls_config(dir));
  TestServer server(config);
  Client served(server.port(), test::TlsOffer{});
  served.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  Client queued(server.port());  // no TLS yet: its turn has not come
  server.await_connections(2);
  expect_full(server, config);
}

}  // namespace
}  // namespace kms
