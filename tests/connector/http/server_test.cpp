#include "connector/http/server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "tests/connector/http/client.h"
#include "tests/connector/http/fixture.h"

namespace kms {
namespace {

using std::chrono::milliseconds;
using test::Answer;
using test::Client;
using test::post;
using test::TestServer;

TEST(HttpServer, PassesTheRequestAndTheAnswerThrough) {
  TestServer server;
  Client client(server.port());
  client.send(
      "POST /p?q=%20a HTTP/1.1\r\nHost: localhost\r\nX-B: 1\r\nX-A:  two words \r\nX-B: 2\r\n"
      "Content-Length: 5\r\n\r\nhello");
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->version, "HTTP/1.1");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /p?q=%20a hello");
  EXPECT_EQ(answer->headers,
            "Content-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: 1234\r\n"
            "Content-Length: 20\r\n");
  const api::Request seen = server.last();
  EXPECT_EQ(seen.peer_address, "127.0.0.1");
  EXPECT_FALSE(seen.tls);
  std::string headers;
  for (const auto& line : seen.headers) headers += line.name + "=" + line.value + ";";
  EXPECT_EQ(headers, "Host=localhost;X-B=1;X-A=two words;X-B=2;Content-Length=5;");
}

TEST(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  TestServer server;
  Client client(server.port());
  client.send(post("one") + post("two") + "GET /three HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "POST / one");
  EXPECT_EQ(client.receive().value().body, "POST / two");
  EXPECT_EQ(client.receive().value().body, "GET /three ");
  client.send(post("four"));
  EXPECT_EQ(client.receive().value().body, "POST / four");
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  TestServer server;
  Client client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto answer = client.receive(true);
  EXPECT_EQ(answer.value().header("Content-Length"), "7");
  client.send(post("next"));
  EXPECT_EQ(client.receive().value().body, "POST / next");
}

TEST(HttpServer, ClosesWhenAskedTo) {
  TestServer server;
  Client client(server.port());
  client.send(post("last", "Connection: close\r\n"));
  const auto answer = client.receive();
  EXPECT_EQ(answer.value().header("Connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, ClosesAfterHttp10UnlessAskedToKeep) {
  TestServer server;
  Client closing(server.port());
  closing.send("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na");
  EXPECT_EQ(closing.receive().value().header("Connection"), "close");
  EXPECT_TRUE(closing.ended());
  Client keeping(server.port());
  keeping.send("POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na");
  EXPECT_EQ(keeping.receive().value().header("Connection"), "keep-alive");
  keeping.send("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nb");
  EXPECT_EQ(keeping.receive().value().body, "POST / b");
}

TEST(HttpServer, AnswersAPostWithoutALength) {
  TestServer server;
  Client client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "POST / ");
}

TEST(HttpServer, ReadsChunkedBodies) {
  TestServer server;
  Client client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;name=value\r\nabc\r\n");
  client.send("0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "POST / abc0123456789");
  client.send(post("next"));
  EXPECT_EQ(client.receive().value().body, "POST / next");
}

TEST(HttpServer, ReadsABodyOfManySmallChunks) {
  TestServer server;
  Client client(server.port());
  std::string chunks;
  for (int i = 0; i < 4096; ++i) chunks += "1\r\nx\r\n";
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
              "0\r\n\r\n");
  EXPECT_EQ(client.receive().value().body, "POST / " + std::string(4096, 'x'));
}

TEST(HttpServer, ToleratesAnEmptyLineBeforeEachRequest) {
  TestServer server;
  Client client(server.port());
  for (const char* body : {"one", "two"}) {
    client.send("\r\n" + post(body));
    EXPECT_EQ(client.receive().value().body, std::string("POST / ") + body);
  }
}

TEST(HttpServer, SendsContinueBeforeItReadsTheBody) {
  TestServer server;
  Client client(server.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.receive().value().status, 100);
  client.send("body");
  EXPECT_EQ(client.receive().value().body, "POST / body");
}

TEST(HttpServer, AnswersWhenTheHandlerThrows) {
  TestServer server;
  Client client(server.port());
  client.send(post("throw"));
  const auto answer = client.receive();
  EXPECT_EQ(answer.value().status, 500);
  EXPECT_EQ(answer->body, R"({"__type":"KMSInternalException"})");
  client.send(post("next"));
  EXPECT_EQ(client.receive().value().body, "POST / next");
}

TEST(HttpServer, NamesTheAddressItCannotBind) {
  TestServer server;
  auto config = test::server_config();
  config.listeners.front().port = server.port();
  try {
    const TestServer second(config);
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("127.0.0.1:" + std::to_string(server.port())),
              std::string::npos)
        << e.what();
  }
}

TEST(HttpServer, Serves256ConnectionsAtOnce) {
  auto config = test::server_config();
  config.limits.max_connections = 256;
  TestServer server(config);
  std::deque<Client> clients;
  for (int i = 0; i < 256; ++i) clients.emplace_back(server.port()).send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(256));
  server.gate.open();
  for (Client& client : clients) EXPECT_EQ(client.receive().value().body, "POST / wait");
  // And again on the connections that were kept.
  for (Client& client : clients) client.send(post("again"));
  for (Client& client : clients) EXPECT_EQ(client.receive().value().body, "POST / again");
}

// ---- drain

TEST(HttpDrain, LetsRequestsUnderWayFinishAndClosesTheIdle) {
  TestServer server;
  Client idle(server.port());
  idle.send(post("one"));
  ASSERT_TRUE(idle.receive());
  Client busy(server.port());
  busy.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  const std::uint16_t port = server.port();
  std::thread drain([&] { server.server().drain(); });
  EXPECT_TRUE(idle.ended());
  EXPECT_THROW(Client{port}, std::system_error);
  server.gate.open();
  const auto answer = busy.receive();
  EXPECT_EQ(answer.value().body, "POST / wait");
  EXPECT_EQ(answer->header("Connection"), "close");
  EXPECT_TRUE(busy.ended());
  drain.join();
}

TEST(HttpDrain, AnswersTheQueuedToo) {
  auto config = test::server_config();
  config.limits.max_connections = 1;
  TestServer server(config);
  Client busy(server.port());
  busy.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  Client queued(server.port());
  queued.send(post("queued"));
  server.await_connections(2);
  std::thread drain([&] { server.server().drain(); });
  server.gate.open();
  EXPECT_EQ(busy.receive().value().body, "POST / wait");
  EXPECT_EQ(queued.receive().value().body, "POST / queued");
  drain.join();
}

TEST(HttpDrain, GivesUpAfterItsTime) {
  auto config = test::server_config();
  config.limits.drain_timeout = milliseconds(50);
  TestServer server(config);
  Client busy(server.port());
  busy.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  Client slow(server.port());
  slow.send("POST / HTTP/1.1\r\n");
  server.server().drain();
  server.gate.open();
  server.stop();  // ends the one that never finishes its request
  EXPECT_TRUE(slow.ended());
}

// ---- admin

Answer admin(TestServer& server, const std::string& method, const std::string& path) {
  Client client(server.server().admin_port());
  client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return client.receive(method == "HEAD").value();
}

TEST(AdminListener, TellsHealthAndReadiness) {
  TestServer server;
  EXPECT_EQ(admin(server, "GET", "/healthz").status, 200);
  EXPECT_EQ(admin(server, "GET", "/healthz").body, "ok\n");
  EXPECT_EQ(admin(server, "GET", "/readyz").status, 200);
  EXPECT_EQ(admin(server, "GET", "/readyz").body, "us-east-1 ready\n");
  server.ready = false;
  EXPECT_EQ(admin(server, "GET", "/readyz?verbose").status, 503);
  EXPECT_EQ(admin(server, "GET", "/readyz").body, "us-east-1 not ready: token_absent\n");
  EXPECT_EQ(admin(server, "HEAD", "/readyz").header("Content-Length"), "34");
  EXPECT_EQ(admin(server, "GET", "/healthz").status, 200);
}

TEST(AdminListener, ShowsMetrics) {
  TestServer server;
  server.metrics().finished("Encrypt", "OK", 0.002);
  const Answer answer = admin(server, "GET", "/metrics");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(answer.body.find("\nkms_requests_total{"), std::string::npos) << answer.body;
  EXPECT_EQ(server.metric("kms_token_ready{token=\"us-east-1\"}"), "1");
  EXPECT_EQ(server.metric("kms_token_epoch{token=\"us-east-1\"}"), "7");
}

TEST(AdminListener, AsksTheTokensOnlyForReadinessAndMetrics) {
  TestServer server;
  EXPECT_EQ(admin(server, "GET", "/healthz").status, 200);
  EXPECT_EQ(admin(server, "GET", "/nothing").status, 404);
  EXPECT_EQ(admin(server, "POST", "/metrics").status, 405);
  EXPECT_EQ(server.token_looks, 0);
  EXPECT_EQ(admin(server, "GET", "/readyz").status, 200);
  EXPECT_EQ(server.token_looks, 1);
  EXPECT_EQ(admin(server, "GET", "/metrics").status, 200);
  EXPECT_EQ(server.token_looks, 2);
}

TEST(AdminListener, KnowsNothingElse) {
  TestServer server;
  EXPECT_EQ(admin(server, "GET", "/").status, 404);
  EXPECT_EQ(admin(server, "POST", "/healthz").status, 405);
  EXPECT_EQ(admin(server, "POST", "/healthz").header("Allow"), "GET, HEAD");
}

TEST(AdminListener, AnswersWhileTheApiIsFull) {
  auto config = test::server_config();
  config.limits.max_connections = 1;
  config.limits.queued_connections = 0;
  TestServer server(config);
  Client busy(server.port());
  busy.send(post("wait"));
  ASSERT_TRUE(server.gate.wait_for(1));
  EXPECT_EQ(admin(server, "GET", "/healthz").status, 200);
}

}  // namespace
}  // namespace kms
