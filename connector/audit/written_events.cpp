#include "connector/audit/written_events.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace kms::audit {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;

std::string_view quoted_at(std::string_view line, std::size_t start) {
  const std::size_t end = line.find('"', start);
  return end == std::string_view::npos ? std::string_view{} : line.substr(start, end - start);
}

/// Whether the line is a whole JSON object, as opposed to the beginning of one that a crash cut
/// off.
bool is_whole(std::string_view line) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (depth == 0 || --depth == 0) return depth == 0 && i + 1 == line.size();
    }
  }
  return false;
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Descriptor(Descriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  /// The size if this is a regular file that could be opened; else 0.
  [[nodiscard]] std::uint64_t size() const {
    struct stat status {};
    if (file_ < 0 || ::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    return static_cast<std::uint64_t>(status.st_size);
  }
  void read(std::uint64_t offset, char* out, std::size_t size) const {
    while (size != 0) {
      const ssize_t count = ::pread(file_, out, size, static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0)
        throw std::system_error(count < 0 ? errno : EIO, std::generic_category(), "audit file");
      out += count;
      offset += static_cast<std::uint64_t>(count);
      size -= static_cast<std::size_t>(count);
    }
  }

 private:
  int file_;
};

/// Calls take(line) for the whole lines of the file from the last to the first, until it answers
/// false; the lines of one block come in forward order. Answers whether to go on.
template <class Take>
bool read_backwards(const Descriptor& file, const Take& take) {
  std::string text;  // what is read and not yet told, from `offset` on
  for (std::uint64_t offset = file.size(); offset != 0;) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, offset));
    offset -= size;
    text.insert(0, size, '\0');
    file.read(offset, text.data(), size);
    // The first line of the block may have begun before it.
    std::size_t start = 0;
    if (offset != 0) {
      const std::size_t newline = text.find('\n');
      if (newline == std::string::npos) continue;
      start = newline + 1;
    }
    bool go_on = true;
    for (std::size_t at = start; at < text.size();) {
      const std::size_t newline = text.find('\n', at);
      if (newline == std::string::npos) break;
      go_on = take(std::string_view(text).substr(at, newline - at)) && go_on;
      at = newline + 1;
    }
    if (!go_on) return false;
    text.resize(start);
  }
  return true;
}

}  // namespace

std::string_view event_id_of(std::string_view line) {
  // The last one: nothing that a client can name comes after the record's own eventID.
  constexpr std::string_view kName = "\"eventID\":\"";
  const std::size_t at = line.rfind(kName);
  return at == std::string_view::npos ? std::string_view{} : quoted_at(line, at + kName.size());
}

std::string_view event_time_of(std::string_view line) {
  // The first one: nothing that a client can name comes before it.
  constexpr std::string_view kName = "\"eventTime\":\"";
  const std::size_t at = line.find(kName);
  return at == std::string_view::npos ? std::string_view{} : quoted_at(line, at + kName.size());
}

EventIds find_written_events(const std::vector<std::string>& paths, const EventIds& wanted,
                             std::string_view not_before) {
  // All are opened first: a rotation meanwhile then moves none of them out of sight.
  std::vector<Descriptor> files;
  for (const std::string& path : paths) files.emplace_back(path);
  EventIds found;
  const auto take = [&](std::string_view line) {
    const std::string_view id = event_id_of(line);
    if (wanted.contains(id) && is_whole(line)) found.emplace(id);
    const std::string_view time = event_time_of(line);
    return found.size() < wanted.size() && (time.empty() || time >= not_before);
  };
  for (const Descriptor& file : files) {
    if (!read_backwards(file, take)) break;
  }
  return found;
}

}  // namespace kms::audit
