#pragma once

#include <optional>

#include "pkcs11/secret_bytes.h"

// As much of DER (X.690) as public keys and ECDSA signatures need.
namespace pkcs11::der {

inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kSequence = 0x30;

/// Appends an element with this content.
void put(Bytes& out, std::uint8_t tag, ByteView content);
/// Appends an INTEGER of this big-endian magnitude.
void put_unsigned(Bytes& out, ByteView magnitude);

/// Takes the element with this tag off the front of `in`. nullopt: there is none, or its length is
/// not encoded in the shortest way, or reaches beyond the end.
[[nodiscard]] std::optional<ByteView> take(ByteView& in, std::uint8_t tag);
/// Takes a non-negative INTEGER, without the zero byte that marks it so; 0 is one zero byte.
/// nullopt: as above, or it is negative or not encoded in the shortest way.
[[nodiscard]] std::optional<ByteView> take_unsigned(ByteView& in);

}  // namespace pkcs11::der
