#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kms::test {

/// Where a secret was found.
struct Finding {
  std::size_t secret = 0;  // its place in the list
  std::string region;      // "[heap]", "[stack]", a file, "" for anonymous memory
  std::uint64_t address = 0;
  std::string around;  // the bytes before and after, control characters as dots
};

/// Every occurrence of the secrets (8 bytes or longer) in memory that the process may read.
[[nodiscard]] std::vector<Finding> find_in_memory(pid_t pid,
                                                  const std::vector<std::string>& secrets);

/// The forms in which a secret is seen in a request or an answer: raw, base64 (also in the middle
/// of a longer text).
[[nodiscard]] std::vector<std::string> forms_of(std::string_view secret);

}  // namespace kms::test
