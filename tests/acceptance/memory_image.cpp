#include "tests/acceptance/memory_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "connector/base/bytes.h"
#include "connector/base/encodings.h"

namespace kms::test {
namespace {

constexpr std::size_t kPrefix = 8;
constexpr std::size_t kAround = 48;

struct Region {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

std::vector<Region> readable_regions(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::vector<Region> regions;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    Region region;
    char dash = 0;
    std::string permissions;
    std::string skipped;
    words >> std::hex >> region.begin >> dash >> region.end >> permissions >> skipped >> skipped >>
        skipped;
    std::getline(words >> std::ws, region.name);
    // The kernel's own: it cannot be read.
    if (permissions.starts_with('r') && region.name != "[vvar]" && region.name != "[vsyscall]") {
      regions.push_back(region);
    }
  }
  if (regions.empty()) throw std::runtime_error("no maps of process " + std::to_string(pid));
  return regions;
}

std::uint64_t first_bytes(const char* text) {
  std::uint64_t value = 0;
  std::memcpy(&value, text, kPrefix);
  return value;
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += c >= ' ' && c <= '~' ? c : '.';
  return result;
}

/// Secrets by their first eight bytes.
using Index = std::unordered_multimap<std::uint64_t, std::size_t>;

void search(const std::string& bytes, const Region& region, const std::vector<std::string>& secrets,
            const Index& index, std::vector<Finding>& findings) {
  // Most bytes begin no secret: this says so without a look at the index.
  std::vector<bool> may_begin(1U << 16);
  const auto start = [](const char* text) {
    std::uint16_t value = 0;
    std::memcpy(&value, text, sizeof value);
    return value;
  };
  for (const std::string& secret : secrets) may_begin[start(secret.data())] = true;
  for (std::size_t at = 0; at + kPrefix <= bytes.size(); ++at) {
    if (!may_begin[start(bytes.data() + at)]) continue;
    const auto [begin, end] = index.equal_range(first_bytes(bytes.data() + at));
    for (auto found = begin; found != end; ++found) {
      const std::string& secret = secrets[found->second];
      if (bytes.compare(at, secret.size(), secret) != 0) continue;
      const std::size_t before = std::min(at, kAround);
      findings.push_back({.secret = found->second,
                          .region = region.name,
                          .address = region.begin + at,
                          .around = printable(std::string_view(bytes).substr(
                              at - before, before + secret.size() + kAround))});
    }
  }
}

}  // namespace

std::vector<Finding> find_in_memory(pid_t pid, const std::vector<std::string>& secrets) {
  Index index;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    index.emplace(first_bytes(secrets[i].data()), i);
  }
  const int memory =
      ::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) throw std::runtime_error("the daemon's memory cannot be read");
  std::vector<Finding> findings;
  for (const Region& region : readable_regions(pid)) {
    std::string bytes(region.end - region.begin, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
      const ssize_t count = ::pread(memory, bytes.data() + size, bytes.size() - size,
                                    static_cast<off_t>(region.begin + size));
      if (count <= 0) break;
      size += static_cast<std::size_t>(count);
    }
    bytes.resize(size);
    search(bytes, region, secrets, index, findings);
  }
  ::close(memory);
  return findings;
}

std::vector<std::string> forms_of(std::string_view secret) {
  std::vector<std::string> forms{std::string(secret)};
  // Base64 of the secret at each of the three places where it may begin, without the characters
  // that depend on what is around it.
  for (std::size_t shift = 0; shift < 3; ++shift) {
    const std::size_t skipped = shift == 0 ? 0 : 3 - shift;
    std::string_view middle = secret.substr(skipped);
    middle = middle.substr(0, middle.size() / 3 * 3);
    forms.push_back(to_base64(as_bytes(middle)));
  }
  return forms;
}

}  // namespace kms::test
