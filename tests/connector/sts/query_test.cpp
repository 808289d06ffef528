#include "connector/sts/query.h"

#include <gtest/gtest.h>

namespace kms::sts {
namespace {

TEST(Parameters, AreDecoded) {
  const auto parameters = Parameters::parse("A=1&B=a%20b+c%2Bd%26&C=&D&&E=%E2%82%AC");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(*parameters->find("A"), "1");
  EXPECT_EQ(*parameters->find("B"), "a b c+d&");
  EXPECT_EQ(*parameters->find("C"), "");
  EXPECT_EQ(*parameters->find("D"), "");
  EXPECT_EQ(*parameters->find("E"), "\u20AC");
  EXPECT_EQ(parameters->find("a"), nullptr);
}

TEST(Parameters, AreNothingElse) {
  EXPECT_FALSE(Parameters::parse("A=%"));
  EXPECT_FALSE(Parameters::parse("A=%2"));
  EXPECT_FALSE(Parameters::parse("A=%G0"));
  EXPECT_FALSE(Parameters::parse("A=%FF"));
  EXPECT_FALSE(Parameters::parse("A=1&A=2"));
  std::string many;
  for (int i = 0; i < 513; ++i) many += "A" + std::to_string(i) + "=&";
  EXPECT_FALSE(Parameters::parse(many));
}

TEST(Parameters, HaveListsAndStructures) {
  const auto parameters = Parameters::parse(
      "L.member.1=a&L.member.2=b&L.member.4=d&T.member.1.Key=k&T.member.1.Value=v&"
      "T.member.2.Value=w&Empty=");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->list("L"), (std::vector<std::string>{"a", "b"}));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(parameters->pairs("T", "Key", "Value"), (Pairs{{"k", "v"}, {"", "w"}}));
  EXPECT_TRUE(parameters->has_beyond("L", 2));
  EXPECT_FALSE(parameters->has_beyond("L", 4));
  EXPECT_FALSE(parameters->has_beyond("T", 2));
  EXPECT_TRUE(parameters->has_beyond("T", 1));
  EXPECT_FALSE(parameters->has_beyond("Empty", 0));
  EXPECT_TRUE(parameters->has("T"));
  EXPECT_FALSE(parameters->has("Empty"));
  EXPECT_FALSE(parameters->has("T.memb"));
}

TEST(Xml, IsEscaped) {
  Xml xml;
  xml.open("A", "https://example.com/");
  xml.element("B", "<&>\"'\r\n\t\u20AC \U0001F511");
  xml.element("C", std::string_view("\x01\x00\xEF\xBF\xBF", 5));
  xml.element("D", "\xFF");
  xml.close("A");
  EXPECT_EQ(std::move(xml).take().text(),
            "<A xmlns=\"https://example.com/\"><B>&lt;&amp;&gt;\"'&#13;\n\t\u20AC \U0001F511</B>"
            "<C>\uFFFD\uFFFD\uFFFD</C><D>\uFFFD</D></A>");
}

}  // namespace
}  // namespace kms::sts
