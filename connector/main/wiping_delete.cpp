// Every deallocation of C++ wipes first, in this program: what libraries copy of a request (JSON
// text, strings, streams) does not stay behind in freed memory. Not in sanitizer builds, which
// bring their own operators.

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace {

/// As OPENSSL_cleanse() does, without its price for the many small pieces.
void wipe(void* memory, std::size_t size) noexcept {
  std::memset(memory, 0, size);
  // The compiler must believe that somebody reads the zeros.
  __asm__ volatile("" : : "r"(memory) : "memory");
}

void wipe_and_free(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) return;
  wipe(memory, size);
  std::free(memory);
}

void wipe_and_free(void* memory) noexcept { wipe_and_free(memory, ::malloc_usable_size(memory)); }

}  // namespace

void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t size) noexcept { wipe_and_free(memory, size); }
void operator delete[](void* memory, std::size_t size) noexcept { wipe_and_free(memory, size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t size, std::align_val_t) noexcept {
  wipe_and_free(memory, size);
}
void operator delete[](void* memory, std::size_t size, std::align_val_t) noexcept {
  wipe_and_free(memory, size);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  wipe_and_free(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  wipe_and_free(memory);
}
