#include "pkcs11/secret_bytes.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace pkcs11 {
namespace {

std::uint8_t* allocate(std::size_t size) {
  // OPENSSL_secure_malloc answers null when the locked heap is full; wiping is then all that is
  // left.
  void* memory = OPENSSL_secure_malloc(size);
  if (memory == nullptr) memory = OPENSSL_malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::uint8_t*>(memory);
}

void release(std::uint8_t* memory, std::size_t size) noexcept {
  if (memory == nullptr) return;
  // Tells by the address which heap the memory is from, and wipes in both cases.
  OPENSSL_secure_clear_free(memory, size);
}

}  // namespace

bool reserve_secret_heap(std::size_t bytes) {
  constexpr std::size_t kSmallest = 32;
  return CRYPTO_secure_malloc_init(bytes, kSmallest) == 1;
}

SecretBytes::SecretBytes(std::size_t size) { resize(size); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    release(data_, capacity_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { release(data_, capacity_); }

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy;
  copy.append(bytes);
  return copy;
}

SecretBytes SecretBytes::copy_of(std::string_view text) {
  SecretBytes copy;
  copy.append(text);
  return copy;
}

void SecretBytes::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  std::uint8_t* grown = allocate(capacity);
  if (size_ != 0) std::memcpy(grown, data_, size_);
  release(data_, capacity_);
  data_ = grown;
  capacity_ = capacity;
}

void SecretBytes::resize(std::size_t size) {
  if (size > capacity_) reserve(std::max(size, capacity_ * 2));
  if (size > size_) {
    std::memset(data_ + size_, 0, size - size_);
  } else if (size < size_) {
    OPENSSL_cleanse(data_ + size, size_ - size);
  }
  size_ = size;
}

void SecretBytes::append(ByteView bytes) {
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) reserve(std::max(size_ + bytes.size(), capacity_ * 2));
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void SecretBytes::append(std::string_view text) {
  append(ByteView{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void SecretBytes::clear() noexcept {
  if (size_ != 0) OPENSSL_cleanse(data_, size_);
  size_ = 0;
}

bool SecretBytes::equals(ByteView other) const noexcept {
  return size_ == other.size() && (size_ == 0 || CRYPTO_memcmp(data_, other.data(), size_) == 0);
}

}  // namespace pkcs11
