#include <gtest/gtest.h>

#include "connector/api/shapes.h"
#include "tests/connector/api/decoding.h"

// JSON that is none, and values of the wrong type (spec/kms_behaviour.md, e4).
namespace kms::api {
namespace {

constexpr std::string_view kBare = R"({"__type":"SerializationException"})";

std::string said(std::string_view text) {
  return R"({"__type":"SerializationException","Message":")" + std::string(text) + "\"}";
}

TEST(Json, RefusesWhatIsNotOneObject) {
  for (const char* text : {"",
                           " ",
                           "nope",
                           "{",
                           "}",
                           "{} {}",
                           "{},",
                           "{}x",
                           "null",
                           "true",
                           "1",
                           "\"text\"",
                           "{\"Limit\":}",
                           "{\"Limit\":1,}",
                           "{'Limit':1}",
                           "{Limit:1}",
                           "{\"Limit\" 1}",
                           "/**/{}",
                           "{} //",
                           "{\"Limit\":01}",
                           "{\"Limit\":+1}",
                           "{\"Limit\":1.}",
                           "{\"Limit\":.5}",
                           "{\"Limit\":NaN}",
                           "{\"Limit\":Infinity}",
                           "{\"Limit\":1e999}",
                           "{\"Marker\":\"\\x\"}",
                           "{\"Marker\":\"a\nb\"}",
                           "{\"Marker\":\"\\u12\"}"}) {
    EXPECT_EQ(refusal("ListKeys", text), kBare) << text;
  }
  EXPECT_EQ(refusal("ListKeys", "[]"), said("Start of list found where not expected"));
  EXPECT_EQ(refusal("ListKeys", "[{}]"), said("Start of list found where not expected"));
  EXPECT_EQ(refusal("ListKeys", " \t\r\n{ } \n"), "");
}

TEST(Json, RefusesNulsAroundAndInside) {
  EXPECT_EQ(refusal("ListKeys", std::string("{}\0", 3)), kBare);
  EXPECT_EQ(refusal("ListKeys", std::string("{}\0{}", 5)), kBare);
  EXPECT_EQ(refusal("ListKeys", std::string("\0{}", 3)), kBare);
  EXPECT_EQ(refusal("ListKeys", std::string("{\"Marker\":\"a\0b\"}", 16)), kBare);
  // An escaped one is a character like others.
  EXPECT_EQ(decode_text<UpdateKeyDescriptionRequest>(R"({"KeyId":"k","Description":"a\u0000b"})")
                .description,
            std::string("a\0b", 3));
}

TEST(Json, RefusesTextThatIsNoUtf8) {
  for (const char* bytes : {"\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xc3", "\x80", "\xf0\x8f\xbf\xbf", "\xfe", "\xe2\x82"}) {
    EXPECT_EQ(refusal("ListKeys", std::string("{\"Marker\":\"") + bytes + "\"}"), kBare);
    EXPECT_EQ(refusal("ListKeys", std::string("{\"") + bytes + "\":1}"), kBare);
    EXPECT_EQ(refusal("ListKeys", std::string("{\"Unknown\":[{\"x\":\"") + bytes + "\"}]}"), kBare);
  }
}

/// A text cut off inside a UTF-8 sequence once made the decoder write behind its end.
TEST(Json, LeavesWhatIsBehindTheBodyAlone) {
  for (const std::string_view text :
       {"\"\xe2", "\"\xf0", "\"\xf0\x9f", "{\"\xe2", "{\"Marker\":\"\xf0\x9f\x98", "\"", "\"\\",
        "\"\\u12", "{\"Limit\":1", "{\"Limit\":1.", "-", "tru", "[", ""}) {
    std::string buffer = std::string(text) + "########";
    try {
      static_cast<void>(
          decode_any(*find_operation("ListKeys"), std::span<char>(buffer).first(text.size())));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::serialization);
    }
    EXPECT_EQ(buffer.substr(text.size()), "########") << text;
  }
}

TEST(Json, RefusesLoneSurrogates) {
  for (const char* escape : {"\\ud800", "\\udbff", "\\udc00", "\\udfff", "\\ud800\\ud800",
                             "\\udc00\\ud800", "\\ud800x", "\\ud800\\u0041"}) {
    EXPECT_EQ(refusal("ListKeys", std::string("{\"Marker\":\"") + escape + "\"}"), kBare) << escape;
    EXPECT_EQ(refusal("ListKeys", std::string("{\"") + escape + "\":1}"), kBare) << escape;
  }
  EXPECT_EQ(
      decode_text<UpdateKeyDescriptionRequest>(R"({"KeyId":"k","Description":"\ud83d\ude00"})")
          .description,
      "\U0001F600");
}

TEST(Json, RefusesANameTwiceInAnyObject) {
  EXPECT_EQ(refusal("ListKeys", R"({"Limit":1,"Limit":1})"), kBare);
  EXPECT_EQ(refusal("ListKeys", R"({"Limit":1,"\u004cimit":1})"), kBare);
  EXPECT_EQ(refusal("ListKeys", R"({"Limit":1,"x":null,"x":null})"), kBare);
  EXPECT_EQ(refusal("ListKeys", R"({"x":{"a":1,"b":2,"a":3}})"), kBare);
  EXPECT_EQ(refusal("Encrypt",
                    R"({"KeyId":"k","Plaintext":"aA==","EncryptionContext":{"a":"1","a":"2"}})"),
            kBare);
  EXPECT_EQ(refusal("ListKeys", R"({"Limit":1,"limit":1})"), "");
}

TEST(Json, RefusesDeepNesting) {
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(refusal("ListKeys", nested(31)), "");
  EXPECT_EQ(refusal("ListKeys", nested(32)), kBare);
  EXPECT_EQ(refusal("ListKeys", nested(500'000)), kBare);
  EXPECT_EQ(refusal("ListKeys", std::string(1'000'000, '[')), kBare);
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"\":";
  EXPECT_EQ(refusal("ListKeys", objects), kBare);
}

TEST(Json, RefusesMoreValuesThanAnyRequestHas) {
  const auto list = [](std::size_t size) {
    std::string text = "{\"x\":[1";
    for (std::size_t i = 1; i < size; ++i) text += ",1";
    return text + "]}";
  };
  EXPECT_EQ(refusal("ListKeys", list(60'000)), "");
  EXPECT_EQ(refusal("ListKeys", list(70'000)), kBare);
}

TEST(Types, NameTheValueThatDoesNotConvert) {
  const auto limit = [](const char* json) {
    return refusal("ListKeys", std::string("{\"Limit\":") + json + "}");
  };
  EXPECT_EQ(limit("\"1\""), said("STRING_VALUE can not be converted to an Integer"));
  EXPECT_EQ(limit("true"), said("TRUE_VALUE can not be converted to an Integer"));
  EXPECT_EQ(limit("false"), said("FALSE_VALUE can not be converted to an Integer"));
  EXPECT_EQ(limit("[]"), said("Start of list found where not expected"));
  EXPECT_EQ(limit("{}"), said("Start of structure or map found where not expected."));

  const auto marker = [](const char* json) {
    return refusal("ListKeys", std::string("{\"Marker\":") + json + "}");
  };
  EXPECT_EQ(marker("1"), said("NUMBER_VALUE can not be converted to a String"));
  EXPECT_EQ(marker("1.5"), said("NUMBER_VALUE can not be converted to a String"));
  EXPECT_EQ(marker("true"), said("TRUE_VALUE can not be converted to a String"));
  EXPECT_EQ(marker("false"), said("FALSE_VALUE can not be converted to a String"));
  EXPECT_EQ(marker("[\"a\"]"), said("Start of list found where not expected"));
  EXPECT_EQ(marker("{\"a\":1}"), said("Start of structure or map found where not expected."));

  const auto create = [](const char* member) {
    return refusal("CreateKey", std::string("{") + member + "}");
  };
  EXPECT_EQ(create("\"MultiRegion\":1"), said("NUMBER_VALUE can not be converted to a Boolean"));
  EXPECT_EQ(create("\"MultiRegion\":\"true\""),
            said("STRING_VALUE can not be converted to a Boolean"));
  EXPECT_EQ(create("\"MultiRegion\":[]"), said("Start of list found where not expected"));
  EXPECT_EQ(create("\"KeySpec\":1"), said("NUMBER_VALUE can not be converted to a String"));
  EXPECT_EQ(create("\"KeySpec\":{}"), said("Start of structure or map found where not expected."));
  EXPECT_EQ(create("\"Tags\":\"x\""), said("Expected list or null"));
  EXPECT_EQ(create("\"Tags\":1"), said("Expected list or null"));
  EXPECT_EQ(create("\"Tags\":true"), said("Expected list or null"));
  EXPECT_EQ(create("\"Tags\":{}"), said("Start of structure or map found where not expected."));
  EXPECT_EQ(create("\"Tags\":[1]"), said("Expected null"));
  EXPECT_EQ(create("\"Tags\":[\"x\"]"), said("Expected null"));
  EXPECT_EQ(create("\"Tags\":[[]]"), said("Start of list found where not expected"));
  EXPECT_EQ(create("\"Tags\":[{\"TagKey\":1,\"TagValue\":\"v\"}]"),
            said("NUMBER_VALUE can not be converted to a String"));

  const auto encrypt = [](const char* member) {
    return refusal("Encrypt", std::string("{") + member + "}");
  };
  EXPECT_EQ(encrypt("\"EncryptionContext\":\"x\""), said("Expected map or null"));
  EXPECT_EQ(encrypt("\"EncryptionContext\":1"), said("Expected map or null"));
  EXPECT_EQ(encrypt("\"EncryptionContext\":[]"), said("Start of list found where not expected"));
  EXPECT_EQ(encrypt("\"EncryptionContext\":{\"a\":1}"),
            said("NUMBER_VALUE can not be converted to a String"));
  EXPECT_EQ(encrypt("\"EncryptionContext\":{\"a\":{}}"),
            said("Start of structure or map found where not expected."));
  EXPECT_EQ(encrypt("\"GrantTokens\":[1]"), said("NUMBER_VALUE can not be converted to a String"));
  EXPECT_EQ(encrypt("\"Plaintext\":1"), said("NUMBER_VALUE can not be converted to a Blob"));
  EXPECT_EQ(encrypt("\"Plaintext\":true"), said("TRUE_VALUE can not be converted to a Blob"));
  EXPECT_EQ(encrypt("\"Plaintext\":[]"), said("Start of list found where not expected"));
  EXPECT_EQ(refusal("Decrypt", R"({"Recipient":"x"})"), said("Expected null"));
  EXPECT_EQ(refusal("Decrypt", R"({"Recipient":[]})"),
            said("Start of list found where not expected"));

  const auto valid_to = [](const char* json) {
    return refusal("ImportKeyMaterial", std::string("{\"ValidTo\":") + json + "}");
  };
  EXPECT_EQ(valid_to("\"2022-08-10\""),
            said("STRING_VALUE can not be converted to milliseconds since epoch"));
  EXPECT_EQ(valid_to("true"), said("TRUE_VALUE can not be converted to milliseconds since epoch"));
  EXPECT_EQ(valid_to("{}"), said("Start of structure or map found where not expected."));
}

TEST(Types, ComeBeforeConstraints) {
  EXPECT_EQ(refusal("Encrypt", R"({"KeyId":"","GrantTokens":{}})"),
            said("Start of structure or map found where not expected."));
}

TEST(Types, OfUnknownMembersDoNotMatter) {
  EXPECT_EQ(refusal("ListKeys", R"({"limit":"x","Foo":[1,{"a":null}],"":{}})"), "");
}

TEST(Base64, IsRefusedInAwsWords) {
  const auto blob = [](const char* text) {
    return refusal("Decrypt", std::string("{\"CiphertextBlob\":\"") + text + "\"}");
  };
  const auto fault = [](std::string_view value, std::string_view text) {
    return said("'" + std::string(value) +
                "' can not be converted to a Blob: " + std::string(text));
  };
  EXPECT_EQ(blob("23456"),
            fault("23456", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"));
  EXPECT_EQ(blob("aGk"),
            fault("aGk", "Base64 encoded length is expected a multiple of 4 bytes but found: 3"));
  EXPECT_EQ(blob("=+/="), fault("=+/=", "Invalid Base64 character: '='"));
  EXPECT_EQ(blob("aG k"), fault("aG k", "Invalid Base64 character: ' '"));
  EXPECT_EQ(blob("a-_k"), fault("a-_k", "Invalid Base64 character: '-'"));
  EXPECT_EQ(blob("aaa\u00e4"), fault("aaa\u00e4", "Invalid Base64 character: '\u00e4'"));
  EXPECT_EQ(blob("aGk\\n"), fault("aGk\\n", "Invalid Base64 character: '\\n'"));
  EXPECT_EQ(blob("+/+="), fault("+/+=", "Invalid last non-pad Base64 character dectected"));
  EXPECT_EQ(blob("aB=="), fault("aB==", "Invalid last non-pad Base64 character dectected"));
  EXPECT_EQ(blob("a==="), fault("a===", "Invalid last non-pad Base64 character dectected"));
  EXPECT_EQ(blob("===="), fault("====", "Invalid last non-pad Base64 character dectected"));
}

TEST(Base64, OfASecretIsNotToldBack) {
  EXPECT_EQ(refusal("Encrypt", R"({"KeyId":"k","Plaintext":"c2VjcmV"})"),
            said("STRING_VALUE can not be converted to a Blob: "
                 "Base64 encoded length is expected a multiple of 4 bytes but found: 7"));
  // Not even one character of it.
  EXPECT_EQ(refusal("Encrypt", R"({"KeyId":"k","Plaintext":"secret!!"})"),
            said("STRING_VALUE can not be converted to a Blob: Invalid Base64 character"));
}

}  // namespace
}  // namespace kms::api
