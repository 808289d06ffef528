#include "pkcs11/ecdsa_signature.h"

#include <algorithm>

#include "pkcs11/der.h"

namespace pkcs11 {

Bytes ecdsa_to_der(ByteView raw) {
  Bytes numbers;
  der::put_unsigned(numbers, raw.first(raw.size() / 2));
  der::put_unsigned(numbers, raw.subspan(raw.size() / 2));
  Bytes signature;
  der::put(signature, der::kSequence, numbers);
  return signature;
}

std::optional<Bytes> ecdsa_from_der(ByteView in, std::size_t bytes) {
  auto numbers = der::take(in, der::kSequence);
  if (!numbers || !in.empty()) return std::nullopt;
  const auto r = der::take_unsigned(*numbers);
  if (!r || r->size() > bytes) return std::nullopt;
  const auto s = der::take_unsigned(*numbers);
  if (!s || s->size() > bytes || !numbers->empty()) return std::nullopt;
  Bytes raw(2 * bytes);
  std::ranges::copy(*r, raw.begin() + static_cast<std::ptrdiff_t>(bytes - r->size()));
  std::ranges::copy(*s, raw.begin() + static_cast<std::ptrdiff_t>(2 * bytes - s->size()));
  return raw;
}

}  // namespace pkcs11
