#include "connector/audit/writer.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "connector/storage/open_store.h"
#include "tests/support/temp_dir.h"

namespace {
std::atomic<int> failing_syncs{0};
}  // namespace

/// In place of libc's.
extern "C" int fdatasync(int file) {
  if (failing_syncs > 0 && failing_syncs-- > 0) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

namespace kms::audit {
namespace {

using test::read_file;

/// An outbox that fails when told to.
class Outbox final : public storage::AuditOutbox {
 public:
  void add(const std::string& line) {
    const MutexLock lock(mutex_);
    lines_.push_back({.sequence = ++sequence_, .line = line});
  }
  void fail_to_forget(bool fail) {
    const MutexLock lock(mutex_);
    fail_to_forget_ = fail;
  }
  [[nodiscard]] bool empty() const { return outbox(1).empty(); }

  [[nodiscard]] std::vector<storage::OutboxLine> outbox(std::size_t limit) const override {
    const MutexLock lock(mutex_);
    const auto size = static_cast<std::ptrdiff_t>(std::min(limit, lines_.size()));
    return {lines_.begin(), lines_.begin() + size};
  }
  void outbox_written(std::int64_t sequence) override {
    const MutexLock lock(mutex_);
    if (fail_to_forget_) throw storage::Error(storage::Fault::unavailable, "no");
    std::erase_if(
        lines_, [sequence](const storage::OutboxLine& line) { return line.sequence <= sequence; });
  }

 private:
  mutable Mutex mutex_;
  std::deque<storage::OutboxLine> lines_ KMS_GUARDED_BY(mutex_);
  std::int64_t sequence_ KMS_GUARDED_BY(mutex_) = 0;
  bool fail_to_forget_ KMS_GUARDED_BY(mutex_) = false;
};

std::string event(const std::string& id) {
  return R"({"eventVersion":"1.11","eventTime":"2015-08-30T12:36:00Z","eventID":")" + id +
         R"(","eventCategory":"Management"})";
}

class AuditWriter : public testing::Test {
 protected:
  AuditWriter() {
    config_.file = (directory_.path() / "audit.jsonl").string();
    config_.rotate_bytes = std::uint64_t{1} << 40;
  }
  [[nodiscard]] std::string text() const { return read_file(config_.file); }

  test::TempDir directory_;
  config::Audit config_;
  Outbox store_;
};

TEST_F(AuditWriter, HasWrittenWhenItReturns) {
  Writer writer(config_, store_);
  writer.write({"{\"a\":1}"});
  EXPECT_EQ(text(), "{\"a\":1}\n");
  writer.write({"{\"b\":2}", "{\"c\":3}"});
  EXPECT_EQ(text(), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
}

TEST_F(AuditWriter, FailsARequestThatCannotBeRecorded) {
  config_.file = "/dev/full";
  Writer writer(config_, store_);
  EXPECT_THROW(writer.write({"{}"}), std::system_error);
}

TEST_F(AuditWriter, EmptiesTheOutboxInOrder) {
  Writer writer(config_, store_);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    store_.add(event(std::to_string(i)));
    expected += event(std::to_string(i)) + "\n";
  }
  writer.flush();
  EXPECT_EQ(text(), expected);
  EXPECT_TRUE(store_.empty());
}

TEST_F(AuditWriter, EmptiesTheOutboxWhenItGrew) {
  Writer writer(config_, store_);
  writer.flush();
  store_.add(event("1"));
  writer.outbox_grew();
  while (!store_.empty()) std::this_thread::yield();
  EXPECT_EQ(text(), event("1") + "\n");
}

TEST_F(AuditWriter, EmptiesTheOutboxAtTheEnd) {
  {
    Writer writer(config_, store_);
    store_.add(event("1"));
  }
  EXPECT_TRUE(store_.empty());
  EXPECT_EQ(text(), event("1") + "\n");
}

TEST_F(AuditWriter, EmptiesAnOutboxLeftByACrashAtTheStart) {
  store_.add(event("1"));
  const Writer writer(config_, store_);
  while (!store_.empty()) std::this_thread::yield();
  EXPECT_EQ(text(), event("1") + "\n");
}

TEST_F(AuditWriter, WritesNoLineTwiceWhileTheStoreCannotForget) {
  Writer writer(config_, store_);
  store_.fail_to_forget(true);
  store_.add(event("1"));
  EXPECT_THROW(writer.flush(), storage::Error);
  store_.add(event("2"));
  EXPECT_THROW(writer.flush(), storage::Error);
  store_.fail_to_forget(false);
  writer.flush();
  EXPECT_EQ(text(), event("1") + "\n" + event("2") + "\n");
  EXPECT_TRUE(store_.empty());
}

TEST_F(AuditWriter, WritesAgainWhatCouldNotBeSynced) {
  Writer writer(config_, store_);
  writer.flush();
  store_.add("one");
  failing_syncs = 1;
  EXPECT_THROW(writer.flush(), std::system_error);
  EXPECT_FALSE(store_.empty());
  writer.flush();
  EXPECT_EQ(text(), "one\none\n");
  EXPECT_TRUE(store_.empty());
}

TEST_F(AuditWriter, GrowsByALineAPassWhileNothingCanBeSynced) {
  Writer writer(config_, store_);
  writer.flush();
  std::string all;
  for (int i = 0; i < 300; ++i) {
    store_.add("line");
    all += "line\n";
  }
  constexpr int kPasses = 20;
  failing_syncs = kPasses;
  for (int i = 0; i < kPasses; ++i) EXPECT_THROW(writer.flush(), std::system_error);
  // The first pass did not know yet.
  EXPECT_EQ(text().size(), (256 + kPasses - 1) * std::string_view("line\n").size());
  writer.flush();
  EXPECT_TRUE(store_.empty());
  EXPECT_TRUE(text().ends_with(all));
}

TEST_F(AuditWriter, AsksTheDiskNoSoonerBecauseTheOutboxGrew) {
  Writer writer(config_, store_);
  writer.flush();
  store_.add("line");
  failing_syncs = 1000000;
  EXPECT_THROW(writer.flush(), std::system_error);
  const int before = failing_syncs;
  for (int i = 0; i < 1000; ++i) writer.outbox_grew();
  EXPECT_THROW(writer.flush(), std::system_error);
  EXPECT_GE(failing_syncs, before - 2);
  failing_syncs = 0;
}

TEST_F(AuditWriter, TriesAgainByItself) {
  Writer writer(config_, store_);
  store_.fail_to_forget(true);
  store_.add(event("1"));
  EXPECT_THROW(writer.flush(), storage::Error);
  store_.fail_to_forget(false);
  while (!store_.empty()) std::this_thread::yield();
  EXPECT_EQ(text(), event("1") + "\n");
}

TEST_F(AuditWriter, WritesNoLineTwiceOverACrash) {
  // The earlier process wrote 1 and 2 and half of 3, and died before the store knew.
  store_.fail_to_forget(true);
  for (const char* id : {"1", "2"}) store_.add(event(id));
  { const Writer earlier(config_, store_); }
  { std::ofstream(config_.file, std::ios::app) << event("3").substr(0, 60); }
  for (const char* id : {"3", "4"}) store_.add(event(id));
  store_.fail_to_forget(false);
  Writer writer(config_, store_);
  writer.flush();
  EXPECT_EQ(text(), event("1") + "\n" + event("2") + "\n" + event("3") + "\n" + event("4") + "\n");
  EXPECT_TRUE(store_.empty());
}

TEST_F(AuditWriter, KeepsALineWhoseEventIdIsOnlyNamedElsewhere) {
  Writer(config_, store_).write({R"({"requestParameters":{"eventID":"1"},"eventID":"0"})"});
  store_.add(event("1"));
  Writer writer(config_, store_);
  writer.flush();
  EXPECT_EQ(text(), R"({"requestParameters":{"eventID":"1"},"eventID":"0"})"
                    "\n" +
                        event("1") + "\n");
}

TEST_F(AuditWriter, ServesManyThreadsAndTheOutbox) {
  config_.rotate_bytes = 10000;
  config_.keep_files = 100;
  {
    Writer writer(config_, store_);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 100; ++i) {
          const std::string id = std::to_string(thread) + "-" + std::to_string(i);
          if (i % 3 == 0) {
            store_.add(event(id));
            writer.outbox_grew();
          } else {
            writer.write({event(id)});
          }
          if (i % 50 == 0) writer.flush();
        }
      });
    }
  }
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    std::istringstream content(read_file(entry.path()));
    for (std::string line; std::getline(content, line);) lines.push_back(line);
  }
  std::vector<std::string> expected;
  for (int thread = 0; thread < 8; ++thread) {
    for (int i = 0; i < 100; ++i)
      expected.push_back(event(std::to_string(thread) + "-" + std::to_string(i)));
  }
  std::ranges::sort(lines);
  std::ranges::sort(expected);
  EXPECT_EQ(lines, expected);
}

TEST_F(AuditWriter, EmptiesTheOutboxOfTheDatabase) {
  const std::string database = (directory_.path() / "kms.sqlite").string();
  {
    const auto store = storage::open_sqlite(database);
    Writer writer(config_, *store);
    const std::vector<storage::Change> changes = {storage::AppendAudit{event("1")},
                                                  storage::AppendAudit{event("2")}};
    store->commit(changes);
    writer.outbox_grew();
    writer.flush();
    EXPECT_EQ(text(), event("1") + "\n" + event("2") + "\n");
    EXPECT_TRUE(store->outbox(10).empty());
  }
  EXPECT_TRUE(storage::open_sqlite(database)->outbox(10).empty());
}

}  // namespace
}  // namespace kms::audit
