#include "connector/keys/import_token.h"

#include <gtest/gtest.h>

#include "connector/base/encodings.h"

namespace kms::keys {
namespace {

using namespace std::chrono_literals;

ImportTokenHeader header() {
  return {.key_arn = "arn:aws:kms:us-east-1:123456789012:key/x",
          .scheme = pkcs11::ImportScheme::rsa_aes_sha256,
          .valid_to = Timestamp{0x0102030405ms},
          .sealing_key = {.kind = pkcs11::KeyKind::aes_256,
                          .kek = {1, 2, 3},
                          .blob = Bytes(40, 0xAA),
                          .public_key = {}}};
}

const Bytes kIv(12, 0xBB);
const Bytes kData{0xC0, 0xC1};

TEST(ImportToken, IsKnownByteByByte) {
  EXPECT_EQ(to_hex(encode(header(), kIv, kData)),
            "6b6d6901"          // "kmi", version 1
            "03"                // RSA_AES_KEY_WRAP_SHA_256
            "0000000102030405"  // valid to, ms
            "0028" +
                to_hex(as_bytes(header().key_arn)) + "01020300000000000000000000000000" + "28" +
                to_hex(Bytes(40, 0xAA)) + "0c" + to_hex(kIv) + "c0c1");
}

TEST(ImportToken, ParsesWhatItEncodes) {
  const auto parsed = parse_import_token(encode(header(), kIv, kData));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, header());
  EXPECT_EQ(parsed->iv, kIv);
  EXPECT_EQ(parsed->data, kData);
}

TEST(ImportToken, ParsesNothingThatIsCutOffBeforeItsData) {
  const Bytes token = encode(header(), kIv, {});
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(parse_import_token(ByteView(token).first(size))) << size;
  }
  EXPECT_TRUE(parse_import_token(token));
}

TEST(ImportToken, AuthenticatesItsHeader) {
  const Bytes data = additional_data(header());
  ImportTokenHeader other = header();
  other.key_arn += "y";
  EXPECT_NE(additional_data(other), data);
  other = header();
  other.scheme = pkcs11::ImportScheme::oaep_sha1;
  EXPECT_NE(additional_data(other), data);
  other = header();
  other.valid_to += 1ms;
  EXPECT_NE(additional_data(other), data);
  other = header();
  other.sealing_key.blob.back() ^= 1;
  EXPECT_NE(additional_data(other), data);
}

TEST(ImportToken, KeepsTheWrappingKey) {
  const pkcs11::WrappedMaterial key{.kind = pkcs11::KeyKind::rsa_3072,
                                    .kek = {9},
                                    .blob = Bytes(1234, 1),
                                    .public_key = Bytes(400, 2)};
  const Bytes bytes = encode_wrapping_key(key);
  EXPECT_EQ(parse_wrapping_key(bytes), key);
  EXPECT_FALSE(parse_wrapping_key(ByteView(bytes).first(100)));
  Bytes unknown = bytes;
  unknown[0] = 3;
  EXPECT_FALSE(parse_wrapping_key(unknown));
}

}  // namespace
}  // namespace kms::keys
