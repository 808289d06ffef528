#pragma once

#include <Poco/Net/StreamSocket.h>

#include <memory>
#include <thread>
#include <vector>

#include "connector/base/bytes.h"
#include "connector/http/site.h"
#include "connector/http/stream.h"

namespace kms::http {

/// Answers 503 to connections that the server has no room for. One thread polls all of them and
/// waits for none, so a slow client costs a descriptor for two seconds and nothing else.
class Refusals final {
 public:
  Refusals();
  ~Refusals();
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;
  Refusals(Refusals&&) = delete;
  Refusals& operator=(Refusals&&) = delete;

  /// Never waits. Beyond a bound the connection is closed without an answer.
  void add(const Poco::Net::StreamSocket& socket, const TlsContext* tls) noexcept;

 private:
  struct Refused;
  void run();
  void take_new(std::vector<std::unique_ptr<Refused>>& all);

  Signal stopped_;
  int wake_fd_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Refused>> new_ KMS_GUARDED_BY(mutex_);
  std::size_t count_ KMS_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace kms::http
