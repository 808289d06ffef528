#include "tests/support/receive.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace kms::test {

bool receive_some(int fd, SSL* ssl, std::string& received) {
  std::array<char, 8192> buffer;
  ssize_t count = 0;
  do {
    errno = 0;
    count = ssl != nullptr ? SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()))
                           : ::recv(fd, buffer.data(), buffer.size(), 0);
    // A socket with a time-out is interrupted also where its process was only stopped for a while.
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) throw std::runtime_error("the peer says nothing");
  if (count <= 0) return false;
  received.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

}  // namespace kms::test
