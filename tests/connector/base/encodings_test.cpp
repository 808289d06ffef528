#include "connector/base/encodings.h"

#include <gtest/gtest.h>

#include <thread>

namespace kms {
namespace {

using namespace std::string_view_literals;

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x9A, 0xFF}), "009aff");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(from_hex("009aFF"), (Bytes{0x00, 0x9A, 0xFF}));
  EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  EXPECT_EQ(from_hex("abc"), std::nullopt);
  EXPECT_EQ(from_hex("0g"), std::nullopt);
  EXPECT_EQ(from_hex("0x12"), std::nullopt);
  EXPECT_EQ(from_hex(" 12 "), std::nullopt);
  EXPECT_EQ(from_hex("\xFF\xFF"), std::nullopt);
}

struct Base64Vector {
  std::string_view plain;
  std::string_view encoded;
  std::string_view url;
};

// RFC 4648 section 10, and bytes that use the two characters in which the alphabets differ.
constexpr Base64Vector kBase64Vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xFF\xBF", "+/+/", "-_-_"},
    {"\xFB\xFF"sv, "+/8=", "-_8"},
};

TEST(Base64, MatchesTheVectorsBothWays) {
  for (const auto& [plain, encoded, url] : kBase64Vectors) {
    const Bytes bytes(plain.begin(), plain.end());
    EXPECT_EQ(to_base64(bytes), encoded);
    EXPECT_EQ(from_base64(encoded), bytes);
    EXPECT_EQ(to_base64url(bytes), url);
    EXPECT_EQ(from_base64url(url), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zh==", "Zm9=", "Zm9vYg==Zm9v", "Zg==\n",
        " Zg==", "Zm 9", "Zm-_", "Zg=a", "Z=g=", "\xFFg=="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
  for (const std::string_view text : {"Zg==", "Zm8=", "Z", "Zh", "Zm9", "+/+/", "Zm9vY", "Z g"}) {
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
  }
}

TEST(Base64, RoundTripsEveryLengthAndByte) {
  Bytes bytes;
  for (std::size_t size = 0; size < 300; ++size) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
    bytes.push_back(static_cast<std::uint8_t>(size * 7));
  }
}

TEST(Digest, MatchesFips180Vectors) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(Bytes(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct HmacVector {
  Bytes key;
  Bytes message;
  std::string_view mac;
};

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// RFC 4231, cases 1, 2, 3, 6 and 7: short keys, and keys longer than a block.
TEST(Hmac, MatchesRfc4231) {
  const HmacVector vectors[] = {
      {Bytes(20, 0x0B), bytes_of("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {bytes_of("Jefe"), bytes_of("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, 0xAA), Bytes(50, 0xDD),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {Bytes(131, 0xAA), bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {Bytes(131, 0xAA),
       bytes_of("This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& [key, message, mac] : vectors) {
    EXPECT_EQ(to_hex(hmac_sha256(key, message)), mac);
  }
}

TEST(Hmac, TakesAnEmptyKeyAndMessage) {
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Digest, IsTheSameOnEveryThread) {
  const Bytes message(1000, 0x5A);
  const Sha256 digest = sha256(message);
  const Sha256 mac = hmac_sha256(digest, message);
  std::array<bool, 4> same{};
  std::vector<std::thread> threads;
  for (bool& result : same) {
    threads.emplace_back([&result, &message, &digest, &mac] {
      result = true;
      for (int i = 0; i < 200; ++i) {
        result = result && sha256(message) == digest && hmac_sha256(digest, message) == mac;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, (std::array{true, true, true, true}));
}

TEST(EqualInConstantTime, ComparesContentAndLength) {
  EXPECT_TRUE(equal_in_constant_time(Bytes{1, 2, 3}, Bytes{1, 2, 3}));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_FALSE(equal_in_constant_time(Bytes{1, 2, 3}, Bytes{1, 2, 4}));
  EXPECT_FALSE(equal_in_constant_time(Bytes{1, 2, 3}, Bytes{1, 2}));
}

TEST(JsonString, LeavesPlainTextAndUtf8Alone) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("alias/key 1 / \x7F"), "\"alias/key 1 / \x7F\"");
  EXPECT_EQ(json_string("\u00E9 \u20AC \U0001F511 \uFFFF"), "\"\u00E9 \u20AC \U0001F511 \uFFFF\"");
}

TEST(JsonString, EscapesQuotesAndControls) {
  EXPECT_EQ(json_string("a\"b\\c\b\f\n\r\t\x01\x1F\0z"sv),
            R"("a\"b\\c\b\f\n\r\t\u0001\u001f\u0000z")");
}

TEST(JsonString, SeesWhatStandsAnywhereInALongText) {
  const std::string plain(40, 'x');
  for (std::size_t at = 0; at < plain.size(); ++at) {
    std::string text = plain;
    text[at] = '\n';
    const std::string escaped = plain.substr(0, at) + "\\n" + plain.substr(at + 1);
    EXPECT_EQ(json_plain_prefix(text), at);
    EXPECT_EQ(json_string(text), "\"" + escaped + "\"");
    text.replace(at, 1, "\u20AC");
    EXPECT_EQ(json_plain_prefix(text), at);
    EXPECT_EQ(json_string(text), "\"" + text + "\"");
  }
  EXPECT_EQ(json_plain_prefix(plain), plain.size());
}

TEST(JsonString, ReplacesInvalidUtf8) {
  constexpr std::string_view kBad = "\uFFFD";
  const auto quoted = [](std::string_view text) { return '"' + std::string(text) + '"'; };
  const std::string one{kBad};
  EXPECT_EQ(json_string("a\xFF"
                        "b"),
            quoted("a" + one + "b"));
  EXPECT_EQ(json_string("\x80"), quoted(one));
  EXPECT_EQ(json_string("\xC0\xAF"), quoted(one + one));                      // overlong '/'
  EXPECT_EQ(json_string("\xE0\x80\xAF"), quoted(one + one + one));            // overlong in three
  EXPECT_EQ(json_string("\xED\xA0\x80"), quoted(one + one + one));            // a surrogate
  EXPECT_EQ(json_string("\xF4\x90\x80\x80"), quoted(one + one + one + one));  // above U+10FFFF
  EXPECT_EQ(json_string("\xE2\x82"), quoted(one));  // cut off: one for the subpart
  EXPECT_EQ(json_string("\xE2\x82\"x"), quoted(one + "\\\"x"));
  EXPECT_EQ(json_string("\xF0\x9F\x94z"), quoted(one + "z"));
}

}  // namespace
}  // namespace kms
