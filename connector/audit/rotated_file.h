#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connector/base/bytes.h"

namespace kms::audit {

/// Whether sync() answers for a line.
enum class Durability : std::uint8_t { by_the_system, by_sync };

/// A file of lines that only grows: NAME, and what was NAME before it grew too big, as NAME.1 (the
/// latest) to NAME.N. Thread-safe. Owned by one process.
class RotatedFile {
 public:
  /// Opens or makes NAME with mode 0600. The beginning of a record's line that a crash left at its
  /// end is cut off; anything else that is not a whole line is ended. Throws std::system_error.
  RotatedFile(std::string path, std::uint64_t rotate_bytes, std::size_t keep_files);
  ~RotatedFile();
  RotatedFile(const RotatedFile&) = delete;
  RotatedFile& operator=(const RotatedFile&) = delete;

  /// Appends lines, each with its newline, by one write(2); goes on if the system takes a part
  /// only. If they cannot be appended whole nothing of them stays, and std::system_error is thrown.
  void append(std::string_view lines, Durability durability = Durability::by_the_system)
      KMS_EXCLUDES(mutex_);
  /// Returns when all lines appended `by_sync` so far survive a power loss.
  void sync() KMS_EXCLUDES(mutex_);
  /// The files that there are, the latest first.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  class Descriptor;
  /// Closed by the last who holds it: sync() does not keep those who append waiting.
  using DescriptorPtr = std::shared_ptr<const Descriptor>;

  static DescriptorPtr open_for_appending(const std::string& path);
  void drop_torn_line() KMS_REQUIRES(mutex_);
  void rotate() KMS_REQUIRES(mutex_);
  void make_room() const;
  [[nodiscard]] std::string numbered(std::size_t number) const;

  std::string path_;
  std::uint64_t rotate_bytes_;
  std::size_t keep_files_;

  Mutex mutex_;
  DescriptorPtr file_ KMS_GUARDED_BY(mutex_);
  std::uint64_t size_ KMS_GUARDED_BY(mutex_) = 0;
  std::uint64_t rotate_at_ KMS_GUARDED_BY(mutex_) = 0;
  bool regular_ KMS_GUARDED_BY(mutex_) = true;    // else (a pipe, a device) it is never rotated
  bool torn_ KMS_GUARDED_BY(mutex_) = false;      // the file ends within a line
  bool unsynced_ KMS_GUARDED_BY(mutex_) = false;  // it has lines that sync() answers for
  std::vector<DescriptorPtr> rotated_ KMS_GUARDED_BY(mutex_);  // rotated files with such lines
};

}  // namespace kms::audit
