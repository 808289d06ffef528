#pragma once

#include <chrono>
#include <cstdint>

namespace kms::test {

/// A TCP connection to this port of 127.0.0.1, which sends at once and gives up on a peer that is
/// silent for so long; -1 with errno if there is none.
[[nodiscard]] int connected_socket(std::uint16_t port, std::chrono::seconds patience);

}  // namespace kms::test
