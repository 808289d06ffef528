#include "connector/http/site.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace kms::http {

Signal::Signal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Signal::~Signal() { ::close(fd_); }

void Signal::raise() noexcept {
  raised_ = true;
  // Never read, so it stays readable. It cannot fail: the counter does not overflow by a few.
  [[maybe_unused]] const int result = ::eventfd_write(fd_, 1);
}

Site::Site(Handler the_handler, const Limits& the_limits, service::Metrics* metrics)
    : handler(std::move(the_handler)),
      limits(the_limits),
      slots(static_cast<std::ptrdiff_t>(the_limits.max_connections)),
      metrics_(metrics),
      wanted_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {
  if (wanted_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Site::~Site() { ::close(wanted_fd_); }

bool Site::admit() noexcept {
  const MutexLock lock(mutex_);
  if (open_ >= limits.max_connections + limits.queued_connections) return false;
  ++open_;
  if (crowded()) ::eventfd_write(wanted_fd_, 1);
  return true;
}

bool Site::is_wanted() noexcept {
  eventfd_t one = 0;
  // What nobody was idle to read when it was written may be long out of date.
  return ::eventfd_read(wanted_fd_, &one) == 0 && crowded();
}

void Site::leave() noexcept {
  const MutexLock lock(mutex_);
  --open_;
  if (open_ == 0) emptied_.notify_all();
}

bool Site::wait_until_empty(std::chrono::steady_clock::time_point deadline) const {
  MutexLock lock(mutex_);
  while (open_ != 0) {
    if (lock.wait_until(emptied_, deadline) == std::cv_status::timeout) return open_ == 0;
  }
  return true;
}

void Site::count_refusal(std::string_view reason) const noexcept {
  if (metrics_ != nullptr) metrics_->refused(reason);
}

}  // namespace kms::http
