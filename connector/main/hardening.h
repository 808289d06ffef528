#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kms {

/// Keeps this process's memory and files to itself: no core dumps, no debugger of the same user,
/// files made for the owner only, a locked heap for secrets of `secret_heap` bytes (a power of
/// two). Call first in main; tells what could not be had.
std::vector<std::string> harden_process(std::size_t secret_heap);

}  // namespace kms
