#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "config/load.h"
#include "config/reference.h"
#include "tests/config/files.h"

namespace config {
namespace {

using test::Files;
using test::replaced_all;

const std::filesystem::path kSource = KMS_SOURCE_DIR;

/// Set to rewrite the generated files in place of comparing them.
bool updating() { return std::getenv("KMS_UPDATE_GENERATED") != nullptr; }

std::string example(const std::string& name) {
  return kms::test::read_file(kSource / "config/examples" / name);
}

/// What scripts/run makes of the template.
std::string development(const Files& files) {
  std::string text = example("development.yaml");
  text = replaced_all(text, "@MODULE@", (files.path() / "module.so").string());
  text = replaced_all(text, "@PORT@", "8080");
  text = replaced_all(text, "@ADMIN_PORT@", "0");
  return replaced_all(text, "@CLOCK_OFFSET@", "-60");
}

void write_secrets(const Files& files) {
  for (const char* name : {"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1",
                           "eu-central-1", "ap-northeast-1", "ap-southeast-1"}) {
    files.write(std::string("pins/") + name, "1234\n");
  }
  for (const char* name :
       {"AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "AKIAEXAMPLEBOB000001", "name"}) {
    files.write(std::string("secrets/") + name, "secret\n");
  }
  const std::string certificate = test::make_key_pair().certificate;
  files.write("trust-anchors/cluster-abcdefg2345.crt", certificate);
  files.write("trust-anchors/cluster-hijklmn2345.crt", certificate);
  std::filesystem::create_directory(files.path() / "state");
}

TEST(Examples, DevelopmentIsWhatTheDesignSays) {
  const Files files;
  write_secrets(files);
  const Config config = load(files.config_file(), development(files));
  EXPECT_THAT(config.accounts, testing::ElementsAre("123456789012", "111122223333"));
  EXPECT_EQ(config.default_region, "us-east-1");
  std::vector<std::string> regions;
  std::vector<std::string> labels;
  for (const Region& region : config.regions) {
    regions.push_back(region.name);
    labels.push_back(region.token.selector.label.value_or(""));
  }
  EXPECT_THAT(regions,
              testing::ElementsAre("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1",
                                   "eu-central-1", "ap-northeast-1", "ap-southeast-1"));
  EXPECT_EQ(labels, regions);
  ASSERT_EQ(config.clusters.size(), 2U);
  for (const Cluster& cluster : config.clusters) {
    EXPECT_EQ(cluster.account, "123456789012");
    EXPECT_EQ(cluster.region, "us-east-1");
    EXPECT_EQ(cluster.related_group, "");
    EXPECT_EQ(cluster.trust_anchor_file,
              (files.path() / "trust-anchors" / (cluster.id + ".crt")).string());
  }
  EXPECT_EQ(config.clusters[0].id, "cluster-abcdefg2345");
  EXPECT_EQ(config.clusters[1].id, "cluster-hijklmn2345");
  std::vector<std::string> arns;
  for (const Principal& principal : config.principals) arns.push_back(principal.arn);
  EXPECT_THAT(arns, testing::ElementsAre("arn:aws:iam::123456789012:user/admin",
                                         "arn:aws:iam::123456789012:user/alice",
                                         "arn:aws:iam::111122223333:user/bob",
                                         "arn:aws:iam::123456789012:role/app"));
  EXPECT_THAT(config.principals[0].policies.at(0).json, testing::HasSubstr("\"Action\": \"*\""));
  EXPECT_TRUE(config.principals[1].policies.empty());
  EXPECT_THAT(config.principals[2].policies.at(0).json,
              testing::HasSubstr("\"Action\": \"kms:*\""));
  EXPECT_TRUE(config.principals[3].policies.empty());
  EXPECT_THAT(config.principals[3].trust_policy.value().json,
              testing::HasSubstr("\"AWS\": \"arn:aws:iam::123456789012:user/admin\""));
  EXPECT_EQ(config.jobs.due_confirmation.count(), 0);
  EXPECT_EQ(config.jobs.max_clock_jump.count(), 0);
  EXPECT_EQ(config.clock_offset.count(), -60);
  EXPECT_EQ(config.listeners.at(0).port, 8080);
  EXPECT_EQ(config.admin.port, 0);
  EXPECT_EQ(config.storage.sqlite, (files.path() / "kms.sqlite").string());
}

TEST(Examples, ThoseOfEachVendorLoad) {
  for (const auto& [name, module] : {
           std::pair("softhsm.yaml", "/usr/lib/softhsm/libsofthsm2.so"),
           std::pair("cloudhsm.yaml", "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so"),
           std::pair("luna.yaml", "/usr/safenet/lunaclient/lib/libCryptoki2_64.so"),
           std::pair("nshield.yaml", "/opt/nfast/toolkits/pkcs11/libcknfast.so"),
           std::pair("yubihsm2.yaml", "/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so"),
       }) {
    const Files files;
    write_secrets(files);
    std::string text = replaced_all(example(name), "/var/lib/kms-connector", "state");
    text = replaced_all(text, module, "module.so");
    EXPECT_EQ(files.fault_of(text), "") << name;
  }
}

TEST(Examples, FullIsMadeFromTheTablesAndLoads) {
  if (updating()) std::ofstream(kSource / "config/examples/full.yaml") << full_example();
  EXPECT_EQ(example("full.yaml"), full_example()) << "run this test with KMS_UPDATE_GENERATED=1";
  const Files files;
  write_secrets(files);
  const std::string text =
      replaced_all(full_example(), "/usr/lib/softhsm/libsofthsm2.so", "module.so");
  EXPECT_EQ(files.fault_of(text), "");
}

TEST(Examples, FullHoldsTheDefaults) {
  const Files files;
  write_secrets(files);
  const std::string text =
      replaced_all(full_example(), "/usr/lib/softhsm/libsofthsm2.so", "module.so");
  const Config full = load(files.config_file(), text);
  EXPECT_EQ(full.limits.idle_timeout, Limits{}.idle_timeout);
  EXPECT_EQ(full.audit.rotate_bytes, Audit{}.rotate_bytes);
  EXPECT_EQ(full.regions.at(0).token.sessions, Token{}.sessions);
  EXPECT_EQ(full.admin.port, Config{}.admin.port);
  EXPECT_EQ(full.minimum_hsms, Config{}.minimum_hsms);
}

TEST(Reference, PageHoldsEveryOptionAndNothingElse) {
  constexpr std::string_view kBegin = "<!-- options: made from the option tables -->\n\n";
  constexpr std::string_view kEnd = "<!-- end of options -->";
  const auto file = kSource / "docs/configuration.md";
  std::string page = kms::test::read_file(file);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + kBegin.size();
  if (updating()) {
    page.replace(from, end - from, reference());
    std::ofstream(file) << page;
  }
  const std::string shown = page.substr(from, page.find(kEnd) - from);
  EXPECT_EQ(shown, reference()) << "run this test with KMS_UPDATE_GENERATED=1";
}

TEST(Reference, ExplainsEveryOptionInASentence) {
  EXPECT_EQ(reference().find(" |  |"), std::string::npos);
  EXPECT_EQ(reference().find("| its defaults | |"), std::string::npos);
}

}  // namespace
}  // namespace config
