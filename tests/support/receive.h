#pragma once

#include <openssl/ssl.h>

#include <string>

namespace kms::test {

/// Appends what the peer sends next, over TLS if there is `ssl`; false if it sends no more. Throws
/// if the socket's time-out passes in silence.
[[nodiscard]] bool receive_some(int fd, SSL* ssl, std::string& received);

}  // namespace kms::test
