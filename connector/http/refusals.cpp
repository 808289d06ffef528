#include "connector/http/refusals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "connector/http/head.h"

namespace kms::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMost = 128;

std::string full_answer() {
  api::Response response = bare_response(503);
  response.headers.add("Content-Type", "application/x-amz-json-1.1");
  response.headers.add("Retry-After", "1");
  response.body = SecretBytes::copy_of(std::string_view(
      R"({"__type":"ServiceUnavailableException","message":"The service has no room for another connection. Try again."})"));
  return response_head(response, true, true) + std::string(response.body.text());
}

}  // namespace

struct Refusals::Refused {
  enum class Stage : std::uint8_t { handshake, write, linger };

  Refused(const Poco::Net::StreamSocket& the_socket, const TlsContext* tls)
      : socket(the_socket), stream(the_socket, tls), deadline(steady_clock::now() + kPatience) {}

  /// Goes on as far as that is possible without waiting; false when all is done.
  bool proceed() noexcept {
    if (stage == Stage::handshake) {
      wanted = stream.handshake_step();
      if (wanted == Step::closed) return false;
      if (wanted != Step::done) return true;
      stage = Stage::write;
    }
    while (stage == Stage::write) {
      std::size_t count = 0;
      wanted = stream.write_step(as_bytes(answer).subspan(written), count);
      if (wanted == Step::closed) return false;
      if (wanted != Step::done) return true;
      written += count;
      if (written == answer.size()) {
        stream.finish_writing();
        stage = Stage::linger;
      }
    }
    return stream.drop_pending(wanted);
  }

  Poco::Net::StreamSocket socket;
  Stream stream;
  Instant deadline;
  std::string answer = full_answer();
  std::size_t written = 0;
  Stage stage = Stage::handshake;
  Step wanted = Step::want_read;
};

Refusals::Refusals() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { run(); });
}

Refusals::~Refusals() {
  stopped_.raise();
  thread_.join();
  ::close(wake_fd_);
}

void Refusals::add(const Poco::Net::StreamSocket& socket, const TlsContext* tls) noexcept {
  try {
    const MutexLock lock(mutex_);
    if (count_ >= kMost) return;
    new_.push_back(std::make_unique<Refused>(socket, tls));
    ++count_;
  } catch (...) {  // no memory for a courtesy
    return;
  }
  [[maybe_unused]] const int result = ::eventfd_write(wake_fd_, 1);
}

void Refusals::take_new(std::vector<std::unique_ptr<Refused>>& all) {
  const MutexLock lock(mutex_);
  count_ = all.size() + new_.size();
  for (auto& refused : new_) all.push_back(std::move(refused));
  new_.clear();
}

void Refusals::run() {
  std::vector<std::unique_ptr<Refused>> all;
  std::vector<pollfd> polled;
  while (!stopped_.raised()) {
    take_new(all);
    const auto over = [](const std::unique_ptr<Refused>& refused) {
      return !refused->proceed() || steady_clock::now() >= refused->deadline;
    };
    std::erase_if(all, over);
    polled.assign({pollfd{stopped_.fd(), POLLIN, 0}, pollfd{wake_fd_, POLLIN, 0}});
    for (const auto& refused : all) {
      const short events = refused->wanted == Step::want_write ? POLLOUT : POLLIN;
      polled.push_back({refused->stream.fd(), events, 0});
    }
    // With nobody to wait for, only a new one or the end matters; else a deadline is at most this
    // late.
    ::poll(polled.data(), polled.size(), all.empty() ? -1 : 100);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_fd_, &ignored);
  }
}

}  // namespace kms::http
