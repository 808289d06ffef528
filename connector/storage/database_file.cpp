#include "connector/storage/database_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "connector/storage/metadata_store.h"

namespace kms::storage {
namespace {

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

[[noreturn]] void fail(const std::string& path, int error) {
  throw Error(Fault::unavailable, path + ": " + std::generic_category().message(error));
}

/// Two names of one file must meet at one lock.
std::string resolved(const std::string& path) {
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  if (error) fail(path, error.value());
  return canonical.string();
}

/// Mode 0600 whatever the umask and whoever made it; SQLite gives -wal and -shm the mode of this
/// file.
int open_owner_only(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) fail(path, errno);
  if (::fchmod(fd, kOwnerOnly) != 0) {
    const int error = errno;
    ::close(fd);
    fail(path, error);
  }
  return fd;
}

}  // namespace

DatabaseFile::DatabaseFile(const std::string& path) : path_(resolved(path)) {
  const std::string side = path_ + ".lock";
  lock_ = open_owner_only(side);
  // flock and not SQLite's exclusive locking mode, so that an operator's backup can read beside us.
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(lock_);
    if (error == EWOULDBLOCK) {
      throw Error(Fault::unavailable, path_ + " is in use by another process");
    }
    fail(side, error);
  }
  try {
    // To be closed before SQLite opens the file: closing any descriptor drops the process's POSIX
    // locks.
    ::close(open_owner_only(path_));
    for (const char* const suffix : {"-wal", "-shm"}) {
      const std::string left_over = path_ + suffix;
      if (::chmod(left_over.c_str(), kOwnerOnly) != 0 && errno != ENOENT) fail(left_over, errno);
    }
  } catch (const Error&) {
    ::close(lock_);
    throw;
  }
}

// The lock's file stays: to unlink it would let two processes lock two files of one name.
DatabaseFile::~DatabaseFile() { ::close(lock_); }

}  // namespace kms::storage
