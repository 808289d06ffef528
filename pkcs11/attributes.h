#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "pkcs11/cryptoki.h"
#include "pkcs11/secret_bytes.h"

namespace pkcs11 {

/// An attribute template that owns its values. Put CKA_CLASS first in one for a search: SoftHSM
/// compares in order, and decrypts CKA_ID and CKA_LABEL of every private object.
class Attributes final {
 public:
  Attributes& add(CK_ATTRIBUTE_TYPE type, CK_ULONG number) {
    return put(type, &number, sizeof number);
  }
  Attributes& flag(CK_ATTRIBUTE_TYPE type, bool on) {
    const CK_BBOOL byte = on ? CK_TRUE : CK_FALSE;
    return put(type, &byte, sizeof byte);
  }
  Attributes& add(CK_ATTRIBUTE_TYPE type, ByteView bytes) {
    return put(type, bytes.data(), bytes.size());
  }
  Attributes& add(CK_ATTRIBUTE_TYPE type, std::string_view text) {
    return put(type, text.data(), text.size());
  }

  [[nodiscard]] CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
  [[nodiscard]] CK_ULONG size() const noexcept { return attributes_.size(); }

 private:
  Attributes& put(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    // Moving a vector does not move its elements: the pointers outlive growth of `values_`.
    Bytes& copy = values_.emplace_back(size);
    if (size != 0) std::memcpy(copy.data(), value, size);
    attributes_.push_back({type, copy.data(), size});
    return *this;
  }

  std::vector<Bytes> values_;
  std::vector<CK_ATTRIBUTE> attributes_;
};

}  // namespace pkcs11
