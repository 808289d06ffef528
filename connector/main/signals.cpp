#include "connector/main/signals.h"

#include <pthread.h>

#include <cerrno>
#include <system_error>

namespace kms {

Signals::Signals() : set_() {
  ::sigemptyset(&set_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set_, number);
  if (const int fault = ::pthread_sigmask(SIG_BLOCK, &set_, nullptr)) {
    throw std::system_error(fault, std::generic_category(), "pthread_sigmask");
  }
  // A shell that starts us in the background may have us ignore SIGINT, and then sigwait never sees
  // it.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    if (std::signal(number, SIG_DFL) == SIG_ERR) {
      throw std::system_error(errno, std::generic_category(), "signal");
    }
  }
  // A peer that is gone is an error of write, not the end of the process.
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
    throw std::system_error(errno, std::generic_category(), "signal");
  }
}

int Signals::wait() const {
  int number = 0;
  if (const int fault = ::sigwait(&set_, &number)) {
    throw std::system_error(fault, std::generic_category(), "sigwait");
  }
  return number;
}

}  // namespace kms
