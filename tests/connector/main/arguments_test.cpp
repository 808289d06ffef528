#include "connector/main/arguments.h"

#include <gtest/gtest.h>

#include <vector>

namespace kms {
namespace {

ParsedArguments parse(const std::vector<const char*>& arguments) {
  return parse_arguments(arguments);
}

TEST(Arguments, ServesAConfiguration) {
  for (const auto& line :
       std::vector<std::vector<const char*>>{{"--config", "a.yaml"}, {"--config=a.yaml"}}) {
    const auto parsed = parse(line);
    ASSERT_TRUE(parsed.arguments);
    EXPECT_EQ(parsed.arguments->mode, Mode::serve);
    EXPECT_EQ(parsed.arguments->config, "a.yaml");
  }
}

TEST(Arguments, KnowsItsModesInAnyPlace) {
  EXPECT_EQ(parse({"--check-config", "--config", "a"}).arguments->mode, Mode::check_config);
  EXPECT_EQ(parse({"--config", "a", "--print-config"}).arguments->mode, Mode::print_config);
  EXPECT_EQ(parse({"--version"}).arguments->mode, Mode::version);
  EXPECT_EQ(parse({"--help"}).arguments->mode, Mode::help);
}

TEST(Arguments, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(parse({}).fault, "--config FILE is missing");
  EXPECT_EQ(parse({"--check-config"}).fault, "--config FILE is missing");
  EXPECT_EQ(parse({"--config"}).fault, "--config needs a file");
  EXPECT_EQ(parse({"--config="}).fault, "--config needs a file");
  EXPECT_EQ(parse({"--config", ""}).fault, "--config needs a file");
  EXPECT_EQ(parse({"--config", "a", "--config=b"}).fault, "--config stands twice");
  EXPECT_EQ(parse({"--conf", "a"}).fault, "no such option: --conf");
  EXPECT_EQ(parse({"--config", "a", "-v"}).fault, "no such option: -v");
  EXPECT_EQ(parse({"--config", "a", "b"}).fault, "takes no argument: b");
  EXPECT_EQ(parse({"--help", "--version"}).fault, "--version: one of these at a time, and once");
}

}  // namespace
}  // namespace kms
