#include "connector/operations/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "connector/api/schema.h"
#include "tests/support/temp_dir.h"

namespace kms::operations {
namespace {

TEST(Reference, TellsTheNeedsOfEachOperationOfTheModel) {
  ASSERT_EQ(needs().size(), api::operations().size());
  for (const Need& need : needs()) {
    EXPECT_NE(api::find_operation(need.operation), nullptr) << need.operation;
    EXPECT_FALSE(need.of_token.empty()) << need.operation;
  }
}

TEST(Reference, ReadmeHasTheTable) {
  constexpr std::string_view kBegin = "<!-- operations: made from the tables -->\n\n";
  constexpr std::string_view kEnd = "\n<!-- end of operations -->";
  const auto file = std::filesystem::path(KMS_SOURCE_DIR) / "README.md";
  std::string page = test::read_file(file);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + kBegin.size();
  if (std::getenv("KMS_UPDATE_GENERATED") != nullptr) {
    page.replace(from, end - from, reference());
    std::ofstream(file) << page;
  }
  EXPECT_EQ(page.substr(from, page.find(kEnd) - from), reference())
      << "run this test with KMS_UPDATE_GENERATED=1";
}

}  // namespace
}  // namespace kms::operations
