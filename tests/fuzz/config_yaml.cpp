#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/load.h"

// A configuration is either loaded or refused with config::Error, whatever it holds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)config::load("fuzz.yaml", {reinterpret_cast<const char*>(data), size});
  } catch (const config::Error&) {
    return 0;
  }
  return 0;
}
