#include "connector/http/stream.h"

#include <Poco/Net/ServerSocket.h>
#include <gtest/gtest.h>

#include <array>

namespace kms::http {
namespace {

using std::chrono::steady_clock;

// Once a peer that always had something to read was never cut off.
TEST(Stream, IsNotReadBeyondItsDeadlineWhateverHasCome) {
  Poco::Net::ServerSocket server(Poco::Net::SocketAddress("127.0.0.1", 0));
  Poco::Net::StreamSocket peer(server.address());
  Stream stream(server.acceptConnection(), nullptr);
  peer.sendBytes("x", 1);
  const Instant later = steady_clock::now() + std::chrono::seconds(60);
  ASSERT_EQ(stream.wait_readable(later, -1, -1), Io::done);
  std::array<std::uint8_t, 4> into{};
  std::size_t count = 0;
  EXPECT_EQ(stream.read_some(into, count, steady_clock::now(), -1), Io::timed_out);
  EXPECT_EQ(stream.read_some(into, count, later, -1), Io::done);
  EXPECT_EQ(count, 1U);
}

}  // namespace
}  // namespace kms::http
