#pragma once

#include <string_view>

#include "pkcs11/mutex.h"
#include "pkcs11/secret_bytes.h"

namespace kms {

using pkcs11::Bytes;
using pkcs11::ByteView;
using pkcs11::Mutex;
using pkcs11::MutexLock;
using pkcs11::SecretBytes;

/// Secret text (a PIN, a password): SecretBytes under another name, so that it is neither a string
/// nor a blob.
class SecretString {
 public:
  SecretString() noexcept = default;
  explicit SecretString(SecretBytes bytes) noexcept : bytes_(std::move(bytes)) {}
  static SecretString copy_of(std::string_view text) {
    return SecretString(SecretBytes::copy_of(text));
  }
  [[nodiscard]] SecretString clone() const { return SecretString(bytes_.clone()); }
  [[nodiscard]] std::string_view text() const noexcept { return bytes_.text(); }
  [[nodiscard]] const SecretBytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] SecretBytes release() && noexcept { return std::move(bytes_); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

 private:
  SecretBytes bytes_;
};

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace kms
