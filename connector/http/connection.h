#pragma once

#include <Poco/Net/TCPServerConnection.h>

#include "connector/http/input.h"
#include "connector/http/site.h"
#include "connector/http/stream.h"

namespace kms::http {

/// One accepted connection, served by one thread from its first request to its last. It was counted
/// in at its Site.
class Connection final : public Poco::Net::TCPServerConnection {
 public:
  /// `tls` null: plain.
  Connection(const Poco::Net::StreamSocket& socket, Site& site, const TlsContext* tls);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  void run() override;

 private:
  void serve();
  bool wait_for_request(Instant deadline, bool answered);
  bool exchange(Instant deadline);
  api::Response answer(api::Request& request) const noexcept;
  bool write(const api::Response& response, const Head& head, bool close, Instant deadline);
  void refuse(const Refusal& refusal, Instant deadline);

  Site& site_;
  const TlsContext* tls_;
  std::string peer_address_;
  std::optional<Stream> stream_;
  std::optional<Input> input_;
  std::optional<api::TlsInfo> tls_info_;
  SecretBytes output_;
};

}  // namespace kms::http
