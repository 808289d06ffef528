#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "config/config.h"

namespace kms::http {

/// The server's side of TLS: versions 1.2 and 1.3, suites with forward secrecy and authenticated
/// encryption only, no compression, renegotiation or resumption.
class TlsContext final {
 public:
  /// Throws std::runtime_error naming the file that cannot be used.
  explicit TlsContext(const config::TlsFiles& files);

  [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

}  // namespace kms::http
