#include "connector/audit/rotated_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "connector/audit/record.h"
#include "connector/base/log.h"

namespace kms::audit {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

void rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(errno, from);
}

/// Makes renames and new names in the directory of `path` durable, as far as the file system lets
/// us.
void sync_directory(const std::string& path) noexcept {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const int directory =
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

/// 0, or the error that stopped it; `written` tells how far it came.
int write_all(int file, std::string_view text, std::size_t& written) noexcept {
  while (written < text.size()) {
    const ssize_t count = ::write(file, text.data() + written, text.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0) {
      return EIO;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// The offset after the last newline of the first `size` bytes; 0 if there is none.
std::uint64_t end_of_last_line(int file, std::uint64_t size, const std::string& path) {
  std::array<char, 4096> block;
  for (std::uint64_t end = size; end != 0;) {
    const std::size_t length = std::min<std::uint64_t>(end, block.size());
    const auto begin = static_cast<off_t>(end - length);
    const ssize_t count = ::pread(file, block.data(), length, begin);
    if (count != static_cast<ssize_t>(length)) fail(count < 0 ? errno : EIO, path);
    const std::size_t newline = std::string_view(block.data(), length).rfind('\n');
    if (newline != std::string_view::npos) return end - length + newline + 1;
    end -= length;
  }
  return 0;
}

/// Whether what the file ends with from `begin` on can be a record's beginning.
bool is_ours(int file, std::uint64_t begin, const std::string& path) {
  std::array<char, kLineBeginning.size()> piece;
  const ssize_t count = ::pread(file, piece.data(), piece.size(), static_cast<off_t>(begin));
  if (count < 0) fail(errno, path);
  return kLineBeginning.starts_with({piece.data(), static_cast<std::size_t>(count)});
}

}  // namespace

class RotatedFile::Descriptor final {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

RotatedFile::DescriptorPtr RotatedFile::open_for_appending(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (file < 0) fail(errno, path);
  return std::make_shared<const Descriptor>(file);
}

RotatedFile::RotatedFile(std::string path, std::uint64_t rotate_bytes, std::size_t keep_files)
    : path_(std::move(path)), rotate_bytes_(rotate_bytes), keep_files_(keep_files) {
  const MutexLock lock(mutex_);
  file_ = open_for_appending(path_);
  struct stat status {};
  if (::fstat(file_->number(), &status) != 0) fail(errno, path_);
  regular_ = S_ISREG(status.st_mode);
  if (!regular_) return;
  if ((status.st_mode & 0077U) != 0 && ::fchmod(file_->number(), 0600) != 0) fail(errno, path_);
  size_ = static_cast<std::uint64_t>(status.st_size);
  rotate_at_ = rotate_bytes_;
  drop_torn_line();
  sync_directory(path_);
}

RotatedFile::~RotatedFile() = default;

/// A kill within write(2) leaves the beginning of a line. If its record is owed, it is written
/// whole later, so readers are spared the piece. What is not ours, and what cannot be cut off (of a
/// file that may only grow), gets its end.
void RotatedFile::drop_torn_line() {
  const std::uint64_t whole = end_of_last_line(file_->number(), size_, path_);
  if (whole == size_) return;
  if (is_ours(file_->number(), whole, path_) &&
      ::ftruncate(file_->number(), static_cast<off_t>(whole)) == 0) {
    size_ = whole;
    return;
  }
  std::size_t written = 0;
  if (const int error = write_all(file_->number(), "\n", written); error != 0) fail(error, path_);
  ++size_;
}

void RotatedFile::append(std::string_view lines, Durability durability) {
  // The kernel lets one writer at a time append to a file anyway; the lock lets a half-written line
  // be finished or taken back before the next one, and keeps rotation away.
  const MutexLock lock(mutex_);
  if (regular_ && size_ != 0 && size_ + lines.size() > rotate_at_) rotate();
  std::string mended;
  if (torn_) lines = mended.append("\n").append(lines);
  std::size_t written = 0;
  if (const int error = write_all(file_->number(), lines, written); error != 0) {
    if (written != 0 &&
        (!regular_ || ::ftruncate(file_->number(), static_cast<off_t>(size_)) != 0)) {
      size_ += written;
      torn_ = true;
    }
    fail(error, path_);
  }
  size_ += lines.size();
  torn_ = false;
  unsynced_ = unsynced_ || durability == Durability::by_sync;
}

void RotatedFile::sync() {
  // Nobody who appends waits for the disk meanwhile.
  std::vector<DescriptorPtr> files;
  {
    const MutexLock lock(mutex_);
    if (!regular_) return;
    files.swap(rotated_);
    if (unsynced_) files.push_back(file_);
    unsynced_ = false;
  }
  int error = 0;
  for (const DescriptorPtr& file : files) {
    if (::fdatasync(file->number()) != 0) error = errno;
  }
  // Linux tells of a failed write-back once: trying again would only hide it.
  if (error != 0) fail(error, path_);
}

std::string RotatedFile::numbered(std::size_t number) const {
  return path_ + "." + std::to_string(number);
}

/// Frees NAME.1: the files up to the first gap move on by one, and if there is none the oldest
/// goes. A rotation that a crash interrupted leaves a gap, and so is completed by the next.
void RotatedFile::make_room() const {
  std::size_t gap = 1;
  while (gap < keep_files_ && std::filesystem::exists(numbered(gap))) ++gap;
  for (; gap > 1; --gap) rename_file(numbered(gap - 1), numbered(gap));
}

void RotatedFile::rotate() {
  // The new file is there before the old one is moved: nothing that fails here leaves us without a
  // file to write to.
  const std::string fresh = path_ + ".new";
  DescriptorPtr file;
  try {
    file = open_for_appending(fresh);
    if (::ftruncate(file->number(), 0) != 0) fail(errno, fresh);
    if (keep_files_ != 0) {
      make_room();
      rename_file(path_, numbered(1));
    }
    rename_file(fresh, path_);
  } catch (const std::exception& e) {
    if (!std::filesystem::exists(path_)) std::rename(numbered(1).c_str(), path_.c_str());
    rotate_at_ = size_ + rotate_bytes_ / 8 + 1;
    log(LogLevel::error, "audit",
        std::string("the file goes on growing, it cannot be rotated: ") + e.what());
    return;
  }
  sync_directory(path_);
  if (unsynced_) rotated_.push_back(std::move(file_));
  file_ = std::move(file);
  unsynced_ = false;
  size_ = 0;
  rotate_at_ = rotate_bytes_;
  torn_ = false;
}

std::vector<std::string> RotatedFile::paths() const {
  std::vector<std::string> paths{path_};
  for (std::size_t number = 1; number <= keep_files_; ++number) {
    if (std::filesystem::exists(numbered(number))) paths.push_back(numbered(number));
  }
  return paths;
}

}  // namespace kms::audit
