#include "connector/audit/written_events.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace kms::audit {
namespace {

std::string line(const std::string& id, const std::string& time = "2015-08-30T12:36:00Z",
                 const std::string& padding = "") {
  return R"({"userIdentity":{},"eventTime":")" + time + R"(","requestParameters":{"x":")" +
         padding + R"("},"eventID":")" + id +
         R"(","resources":[{"ARN":"arn"}],"eventCategory":"Management"})" + "\n";
}

class WrittenEvents : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    return directory_.write(name, text).string();
  }
  test::TempDir directory_;
};

TEST_F(WrittenEvents, AreFoundInEveryFile) {
  const std::vector<std::string> paths = {file("a", line("1") + line("2")),
                                          file("a.1", line("3") + line("4")), file("a.2", "")};
  EXPECT_EQ(find_written_events(paths, {"2", "3", "5"}, ""), (EventIds{"2", "3"}));
}

TEST_F(WrittenEvents, AreFoundAcrossBlocks) {
  std::string text;
  EventIds wanted;
  for (int i = 0; i < 40; ++i) {
    const std::string id = "id-" + std::to_string(i);
    // Lengths that put the borders of the blocks everywhere, and one line that is longer than a
    // block.
    text += line(id, "2015-08-30T12:36:00Z", std::string(i == 20 ? 2500000 : 99991, 'p'));
    wanted.insert(id);
  }
  EXPECT_EQ(find_written_events({file("a", text)}, wanted, ""), wanted);
}

TEST_F(WrittenEvents, AreNotSearchedBeyondTheirTime) {
  const std::vector<std::string> paths = {file("a", line("new")),
                                          file("a.1", line("1", "2015-08-30T12:00:00Z")),
                                          file("a.2", line("2", "2015-08-30T11:00:00Z"))};
  EXPECT_EQ(find_written_events(paths, {"1", "2", "3"}, "2015-08-30T12:00:01Z"), (EventIds{"1"}));
  EXPECT_EQ(find_written_events(paths, {"1", "2", "3"}, "2015-08-30T12:00:00Z"),
            (EventIds{"1", "2"}));
}

TEST_F(WrittenEvents, CountOnlyIfTheirLineIsWhole) {
  const std::string whole = line("1");
  for (std::size_t cut = 1; cut < whole.size() - 1; ++cut) {
    // As found after a crash (no newline), and as ended at the next start.
    EXPECT_TRUE(find_written_events({file("a", whole.substr(0, cut))}, {"1"}, "").empty()) << cut;
    EXPECT_TRUE(find_written_events({file("a", whole.substr(0, cut) + "\n")}, {"1"}, "").empty())
        << cut;
  }
  EXPECT_EQ(find_written_events({file("a", whole)}, {"1"}, ""), (EventIds{"1"}));
}

TEST_F(WrittenEvents, AreNotWhatAClientNamesSo) {
  const std::string text =
      R"({"eventTime":"2015-08-30T12:36:00Z","requestParameters":{"encryptionContext":{"eventID":"1"}},"eventID":"2"})"
      "\n";
  EXPECT_EQ(find_written_events({file("a", text)}, {"1", "2"}, ""), (EventIds{"2"}));
}

TEST_F(WrittenEvents, MayBeAnywhereIncludingNowhere) {
  EXPECT_TRUE(find_written_events({(directory_.path() / "absent").string(), "/dev/null"}, {"1"}, "")
                  .empty());
  EXPECT_TRUE(
      find_written_events({file("a", "\n\n{}\n}\n\"\n{\"eventID\":\"\n")}, {"1"}, "").empty());
}

TEST(EventId, IsTheRecordsOwn) {
  EXPECT_EQ(event_id_of(line("abc")), "abc");
  EXPECT_EQ(event_time_of(line("abc")), "2015-08-30T12:36:00Z");
  EXPECT_EQ(event_id_of("{}"), "");
  EXPECT_EQ(event_time_of("{\"eventTime\":\"x"), "");
}

}  // namespace
}  // namespace kms::audit
