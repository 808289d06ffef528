#pragma once

#include <string>

namespace kms::storage {

/// The right to a database file, held for one process by a lock on PATH.lock; the kernel lets it go
/// when the process ends, however it ends. Also makes the database's file, and keeps others than
/// its owner out of it.
class DatabaseFile {
 public:
  /// Throws Error{unavailable} if someone else holds it or the file cannot be made.
  explicit DatabaseFile(const std::string& path);
  ~DatabaseFile();
  DatabaseFile(const DatabaseFile&) = delete;
  DatabaseFile& operator=(const DatabaseFile&) = delete;
  DatabaseFile(DatabaseFile&&) = delete;
  DatabaseFile& operator=(DatabaseFile&&) = delete;

  /// Absolute, symbolic links resolved.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace kms::storage
