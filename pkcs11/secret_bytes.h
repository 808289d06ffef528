#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace pkcs11 {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Reserves the locked, undumpable heap that SecretBytes prefer. Call once, early in main.
/// Returns false if the memory could not be locked (RLIMIT_MEMLOCK); secrets are then only wiped.
bool reserve_secret_heap(std::size_t bytes);

/// Bytes that are wiped when freed: PINs, plaintexts, data keys. Move-only, never printed. They
/// live in the locked heap as long as it has room, else in ordinary memory, wiped all the same.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  /// `size` zero bytes.
  explicit SecretBytes(std::size_t size);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes copy_of(std::string_view text);
  [[nodiscard]] SecretBytes clone() const { return copy_of(view()); }

  [[nodiscard]] std::uint8_t* data() noexcept { return data_; }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<std::uint8_t> span() noexcept { return {data_, size_}; }
  [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }
  /// The bytes as text; do not copy it into a std::string.
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }

  /// Room for `capacity` bytes without another allocation.
  void reserve(std::size_t capacity);
  /// Grows with zeros, or shrinks and wipes what is cut off.
  void resize(std::size_t size);
  void append(ByteView bytes);
  void append(std::string_view text);
  void push_back(std::uint8_t byte) { append(ByteView{&byte, 1}); }
  void clear() noexcept;

  /// Constant time in the content.
  [[nodiscard]] bool equals(ByteView other) const noexcept;

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace pkcs11
