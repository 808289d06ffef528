#include <gtest/gtest.h>

#include "pkcs11/module.h"

namespace pkcs11 {
namespace {

std::string refusal(const std::string& uri) {
  try {
    (void)TokenSelector::from_uri(uri);
  } catch (const Error& error) {
    EXPECT_EQ(error.failure(), Failure::bad_argument);
    return error.what();
  }
  ADD_FAILURE() << uri << " was taken";
  return {};
}

TEST(TokenSelector, TakesWhatChoosesAToken) {
  const auto selector =
      TokenSelector::from_uri("pkcs11:token=My%20token;serial=0a;manufacturer=M&N;model=%C3%BC");
  EXPECT_EQ(selector.label, "My token");
  EXPECT_EQ(selector.serial, "0a");
  EXPECT_EQ(selector.manufacturer, "M&N");
  EXPECT_EQ(selector.model, "\xC3\xBC");
  EXPECT_EQ(selector.describe(),
            "label \"My token\", serial \"0a\", manufacturer \"M&N\", model \"\xC3\xBC\"");
  EXPECT_FALSE(TokenSelector::from_uri("pkcs11:token=a").serial.has_value());
}

TEST(TokenSelector, RefusesAPinInTheUri) {
  for (const char* uri : {"pkcs11:token=a?pin-value=1234", "pkcs11:token=a?pin-source=/f",
                          "pkcs11:token=a;pin-value=1234"}) {
    const std::string text = refusal(uri);
    EXPECT_NE(text.find("PIN"), std::string::npos) << text;
    EXPECT_EQ(text.find("1234"), std::string::npos) << text;
  }
}

TEST(TokenSelector, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("token=a"), "a PKCS#11 URI begins with \"pkcs11:\"");
  EXPECT_EQ(refusal("pkcs11:"),
            "the URI names no token: give token, serial, manufacturer or model");
  EXPECT_EQ(refusal("pkcs11:token"), "\"token\" has no value");
  EXPECT_EQ(refusal("pkcs11:token=a;token=b"), "\"token\" is given twice");
  EXPECT_EQ(refusal("pkcs11:object=a"), "\"object\" does not choose a token");
  EXPECT_EQ(refusal("pkcs11:token=a?module-path=/x"), "\"module-path\" does not choose a token");
  EXPECT_EQ(refusal("pkcs11:token=a%2"),
            "'%' in \"token\" is not followed by two hexadecimal digits");
  EXPECT_EQ(refusal("pkcs11:token=a b"), "a character of \"token\" must be written as %XX");
}

}  // namespace
}  // namespace pkcs11
