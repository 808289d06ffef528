#include "connector/keys/ciphertext.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/support.h"

namespace {

using kms::keys::EncryptionContext;

/// Takes a string whose first byte is its length.
std::string take_string(std::string_view& input) {
  const std::size_t wanted = kms::fuzz::take_byte(input);
  const std::size_t size = std::min(wanted, input.size());
  std::string text(input.substr(0, size));
  input.remove_prefix(size);
  return text;
}

EncryptionContext take_context(std::string_view& input) {
  EncryptionContext context;
  for (int pairs = kms::fuzz::take_byte(input) % 4; pairs > 0; --pairs) {
    std::string name = take_string(input);
    context.insert_or_assign(std::move(name), take_string(input));
  }
  return context;
}

/// Only the same context is authenticated by the same bytes.
void check_additional_data(const kms::keys::CiphertextHeader& header, std::string_view input) {
  const EncryptionContext first = take_context(input);
  const EncryptionContext second = take_context(input);
  const bool same =
      kms::keys::additional_data(header, first) == kms::keys::additional_data(header, second);
  kms::fuzz::require(same == (first == second), "additional data is injective");
}

kms::keys::CiphertextHeader example_header() {
  kms::keys::CiphertextHeader header;
  header.account = "123456789012";
  header.region = "us-east-1";
  header.key_id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  header.material_id = std::string(64, '0');
  return header;
}

}  // namespace

// What parses is exactly what encode() makes of the parts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const kms::ByteView blob(data, size);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto parsed = kms::keys::parse_ciphertext(blob);
  if (!parsed) {
    check_additional_data(example_header(), input);
    return 0;
  }
  const kms::Bytes again = kms::keys::encode(parsed->header, parsed->iv, parsed->data);
  kms::fuzz::require(std::ranges::equal(again, blob), "what parses encodes to the same bytes");
  const std::string_view rest(reinterpret_cast<const char*>(parsed->data.data()),
                              parsed->data.size());
  check_additional_data(parsed->header, rest);

  auto other = parsed->header;
  other.generation ^= 1;
  kms::fuzz::require(
      kms::keys::additional_data(other, {}) != kms::keys::additional_data(parsed->header, {}),
      "the header is authenticated");
  return 0;
}
