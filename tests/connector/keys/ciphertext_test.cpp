#include "connector/keys/ciphertext.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "connector/base/encodings.h"

namespace kms::keys {
namespace {

const CiphertextHeader kHeader{
    .suite = Suite::aes_256_gcm,
    .account = "123456789012",
    .region = "us-east-1",
    .key_id = "1234abcd-12ab-34cd-56ef-1234567890ab",
    .material_id = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    .generation = 7};
const std::string kHeaderHex =
    "6b6d7301"                          // "kms", version 1
    "01"                                // suite 1
    "00"                                // key id is a UUID
    "1234abcd12ab34cd56ef1234567890ab"  // key id
    "0000001cbe991a14"                  // account 123456789012
    "09"                                // length of the Region
    "75732d656173742d31"                // us-east-1
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    "00000007";  // generation
const Bytes kIv{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const Bytes kData{0xd0, 0xd1, 0xd2, 0xd3};

// These bytes are on customers' disks. A change here is a new version beside this one, never a
// change of it.
TEST(Ciphertext, IsKnownByteByByte) {
  EXPECT_EQ(to_hex(encode(kHeader, kIv, kData)),
            kHeaderHex + "0c" + "0102030405060708090a0b0c" + "d0d1d2d3");
}

TEST(Ciphertext, KeepsAMultiRegionKeyId) {
  CiphertextHeader header = kHeader;
  header.key_id = "mrk-1234abcd12ab34cd56ef1234567890ab";
  const Bytes blob = encode(header, kIv, kData);
  EXPECT_EQ(blob[5], 1);
  EXPECT_EQ(parse_ciphertext(blob)->header, header);
}

TEST(Ciphertext, ParsesWhatItEncodes) {
  const auto parsed = parse_ciphertext(encode(kHeader, kIv, kData));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, kHeader);
  EXPECT_EQ(parsed->iv, kIv);
  EXPECT_EQ(parsed->data, kData);
}

TEST(Ciphertext, OfTheLongestPlaintextFitsTheApiLimit) {
  CiphertextHeader header = kHeader;
  header.region = "ap-southeast-1";
  EXPECT_LE(encode(header, kIv, Bytes(4096 + 16)).size(), 6144U);
}

TEST(Ciphertext, RefusesEveryTruncationOfTheHeader) {
  const Bytes blob = encode(kHeader, kIv, {});
  for (std::size_t size = 0; size < blob.size(); ++size) {
    EXPECT_FALSE(parse_ciphertext(ByteView(blob).first(size))) << size;
  }
}

TEST(Ciphertext, RefusesOtherMagicVersionsSuitesAndForms) {
  const Bytes blob = encode(kHeader, kIv, kData);
  for (const auto& [offset, value] :
       std::map<std::size_t, std::uint8_t>{{0, 'K'}, {3, 2}, {4, 0}, {4, 2}, {5, 2}}) {
    Bytes changed = blob;
    changed[offset] = value;
    EXPECT_FALSE(parse_ciphertext(changed)) << offset;
  }
}

TEST(Ciphertext, RefusesAnAccountOfMoreThanTwelveDigits) {
  Bytes blob = encode(kHeader, kIv, kData);
  blob[22] = 0xff;  // the first byte of the account
  EXPECT_FALSE(parse_ciphertext(blob));
}

TEST(AdditionalData, IsKnownByteByByte) {
  EXPECT_EQ(to_hex(additional_data(kHeader, {{"a", "1"}, {"bc", ""}})),
            kHeaderHex + "00000002" + "00000001" + "61" + "00000001" + "31" + "00000002" + "6263" +
                "00000000");
}

TEST(AdditionalData, IsInjective) {
  EXPECT_NE(additional_data(kHeader, {{"a", "bc"}}), additional_data(kHeader, {{"ab", "c"}}));
  EXPECT_NE(additional_data(kHeader, {{"a", "b"}, {"c", "d"}}),
            additional_data(kHeader, {{"a", "bcd"}}));
  EXPECT_NE(additional_data(kHeader, {}), additional_data(kHeader, {{"", ""}}));
}

TEST(AdditionalData, CoversEveryPartOfTheHeader) {
  const Bytes original = additional_data(kHeader, {});
  CiphertextHeader header = kHeader;
  header.account = "123456789013";
  EXPECT_NE(additional_data(header, {}), original);
  header = kHeader;
  header.region = "us-east-2";
  EXPECT_NE(additional_data(header, {}), original);
  header = kHeader;
  header.key_id.back() = 'c';
  EXPECT_NE(additional_data(header, {}), original);
  header = kHeader;
  header.material_id.back() = '0';
  EXPECT_NE(additional_data(header, {}), original);
  header = kHeader;
  header.generation = 8;
  EXPECT_NE(additional_data(header, {}), original);
}

}  // namespace
}  // namespace kms::keys
