#include "connector/keys/import_token.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/support.h"

// What parses is exactly what the encoders make of the parts, and all of the header is
// authenticated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const kms::ByteView bytes(data, size);
  if (const auto key = kms::keys::parse_wrapping_key(bytes)) {
    kms::fuzz::require(std::ranges::equal(kms::keys::encode_wrapping_key(*key), bytes),
                       "a wrapping key that parses encodes to the same bytes");
  }
  const auto token = kms::keys::parse_import_token(bytes);
  if (!token) return 0;
  const auto again = kms::keys::encode(token->header, token->iv, token->data);
  kms::fuzz::require(std::ranges::equal(again, bytes), "a token that parses encodes to the same");

  const kms::Bytes authenticated = kms::keys::additional_data(token->header);
  auto other = token->header;
  other.key_arn += "x";
  kms::fuzz::require(kms::keys::additional_data(other) != authenticated, "the ARN is bound");
  other = token->header;
  other.valid_to =
      kms::Timestamp{std::chrono::milliseconds{other.valid_to.time_since_epoch().count() ^ 1}};
  kms::fuzz::require(kms::keys::additional_data(other) != authenticated, "the end is bound");
  other = token->header;
  other.sealing_key.blob.push_back(0);
  kms::fuzz::require(kms::keys::additional_data(other) != authenticated, "the key is bound");
  return 0;
}
