#include "connector/audit/rotated_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include "tests/support/temp_dir.h"

namespace kms::audit {
namespace {

using test::read_file;

constexpr std::uint64_t kNever = std::uint64_t{1} << 40;

/// While it lives no file of this process grows beyond `bytes`: a write takes what fits, then
/// fails.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class Rotated : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& suffix = "") const {
    return (directory_.path() / "audit.jsonl").string() + suffix;
  }
  [[nodiscard]] std::string text(const std::string& suffix = "") const {
    return read_file(path(suffix));
  }
  [[nodiscard]] bool exists(const std::string& suffix) const {
    return std::filesystem::exists(path(suffix));
  }
  void put(const std::string& suffix, const std::string& content) const {
    std::ofstream(path(suffix), std::ios::binary) << content;
  }

  test::TempDir directory_;
};

TEST_F(Rotated, IsForItsOwnerOnly) {
  put("", "old\n");
  ::chmod(path().c_str(), 0644);
  RotatedFile file(path(), kNever, 3);
  file.append("new\n");
  EXPECT_EQ(text(), "old\nnew\n");
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(Rotated, TellsThatItCannotBeOpened) {
  EXPECT_THROW(RotatedFile((directory_.path() / "absent" / "audit.jsonl").string(), kNever, 3),
               std::system_error);
}

TEST_F(Rotated, CutsOffTheBeginningOfARecordThatACrashLeft) {
  const std::string record = R"({"eventVersion":"1.11","userIdentity":")" + std::string(9000, 'x');
  for (const std::string before : {"", "whole\n"}) {
    // Also longer than what is looked at in one go, and as long.
    for (const std::size_t length : std::initializer_list<std::size_t>{1, 16, 17, 4096, 9000}) {
      put("", before + record.substr(0, length));
      RotatedFile file(path(), kNever, 3);
      file.append("next\n");
      EXPECT_EQ(text(), before + "next\n") << length;
    }
  }
}

TEST_F(Rotated, EndsWhatIsNotOurs) {
  for (const std::string foreign : {"x", "whole\nnot JSON", R"({"eventTime":)"}) {
    put("", foreign);
    RotatedFile file(path(), kNever, 3);
    file.append("next\n");
    EXPECT_EQ(text(), foreign + "\nnext\n");
  }
}

TEST_F(Rotated, EndsWhatItCannotCutOff) {
  // As little as a file with the append-only attribute, this one can shrink.
  const int file = ::memfd_create("audit", MFD_ALLOW_SEALING);
  ASSERT_EQ(::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  const std::string name = "/proc/self/fd/" + std::to_string(file);
  std::ofstream(name, std::ios::app) << "whole\n{\"event";
  RotatedFile(name, kNever, 0).append("next\n");
  EXPECT_EQ(read_file(name), "whole\n{\"event\nnext\n");
  ::close(file);
}

TEST_F(Rotated, MovesOnWhenALineDoesNotFit) {
  RotatedFile file(path(), 8, 2);
  for (const char* line : {"aaa\n", "bbb\n", "ccc\n", "ddd\n", "eee\n", "fff\n", "ggg\n"})
    file.append(line);
  EXPECT_EQ(text(), "ggg\n");
  EXPECT_EQ(text(".1"), "eee\nfff\n");
  EXPECT_EQ(text(".2"), "ccc\nddd\n");
  EXPECT_FALSE(exists(".3"));
  EXPECT_FALSE(exists(".new"));
  EXPECT_EQ(file.paths(), (std::vector<std::string>{path(), path(".1"), path(".2")}));
}

TEST_F(Rotated, TakesALineLongerThanTheLimit) {
  RotatedFile file(path(), 4, 2);
  file.append("long enough\n");
  file.append("b\n");
  EXPECT_EQ(text(), "b\n");
  EXPECT_EQ(text(".1"), "long enough\n");
}

TEST_F(Rotated, CountsWhatWasThereBefore) {
  put("", "12345678\n");
  RotatedFile file(path(), 10, 2);
  file.append("ab\n");
  EXPECT_EQ(text(), "ab\n");
  EXPECT_EQ(text(".1"), "12345678\n");
}

TEST_F(Rotated, KeepsNoOldFileIfToldSo) {
  RotatedFile file(path(), 4, 0);
  file.append("aaa\n");
  file.append("bbb\n");
  EXPECT_EQ(text(), "bbb\n");
  EXPECT_FALSE(exists(".1"));
}

TEST_F(Rotated, LosesNothingToARotationThatACrashInterrupted) {
  // Stopped after NAME.1 became NAME.2, and after NAME became NAME.1: there is no NAME yet, or a
  // gap.
  put(".2", "two\n");
  put(".new", "left behind");
  put("", "zero\n");
  {
    RotatedFile file(path(), 4, 3);
    file.append("new\n");
  }
  EXPECT_EQ(text(), "new\n");
  EXPECT_EQ(text(".1"), "zero\n");
  EXPECT_EQ(text(".2"), "two\n");
  std::filesystem::remove(path());
  RotatedFile file(path(), 4, 3);
  file.append("aaa\n");
  EXPECT_EQ(text(), "aaa\n");
  EXPECT_EQ(text(".1"), "zero\n");
}

TEST_F(Rotated, GoesOnInTheOldFileIfItCannotRotate) {
  RotatedFile file(path(), 8, 1);
  file.append("aaaaaaa\n");
  std::filesystem::create_directory(path(".new"));
  file.append("b\n");
  EXPECT_EQ(text(), "aaaaaaa\nb\n");
  std::filesystem::remove(path(".new"));
  file.append("ccc\n");
  EXPECT_EQ(text(), "ccc\n");
  EXPECT_EQ(text(".1"), "aaaaaaa\nb\n");
}

TEST_F(Rotated, PutsTheFileBackIfItsSuccessorCannotTakeItsPlace) {
  RotatedFile file(path(), 8, 1);
  file.append("aaaaaaa\n");
  // A directory that is not empty is in the way of the rename to NAME.1.
  std::filesystem::create_directories(path(".1") + "/x");
  file.append("b\n");
  EXPECT_EQ(text(), "aaaaaaa\nb\n");
}

TEST_F(Rotated, LeavesNothingOfALineThatDoesNotFitOnTheDisk) {
  RotatedFile file(path(), kNever, 1);
  file.append("first\n");
  {
    const FileSizeLimit limit(10);
    try {
      file.append("0123456789\n");
      ADD_FAILURE() << "more than fits was written";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EFBIG);
    }
    EXPECT_EQ(text(), "first\n");
    file.append("abc\n");
  }
  file.append("last\n");
  EXPECT_EQ(text(), "first\nabc\nlast\n");
}

TEST_F(Rotated, TellsOfAFullDisk) {
  RotatedFile file("/dev/full", kNever, 1);
  try {
    file.append("line\n");
    ADD_FAILURE() << "a full disk took a line";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOSPC);
  }
}

TEST_F(Rotated, SyncsAlsoWhatWasRotatedSince) {
  RotatedFile file(path(), 8, 3);
  file.append("aaaaaaa\n", Durability::by_sync);
  file.append("bbbbbbb\n", Durability::by_sync);
  file.append("ccccccc\n");
  file.sync();
  file.sync();
  EXPECT_EQ(text(".2"), "aaaaaaa\n");
}

TEST_F(Rotated, SyncsWithoutAFreeDescriptor) {
  RotatedFile file(path(), kNever, 3);
  file.append("aaaaaaa\n", Durability::by_sync);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_NO_THROW(file.sync());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(Rotated, KeepsEveryLineOfManyThreadsWhole) {
  constexpr int kThreads = 8;
  constexpr int kLines = 500;
  {
    RotatedFile file(path(), 20000, 20);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&file, thread] {
        for (int i = 0; i < kLines; ++i) {
          file.append(
              std::to_string(thread) + ":" + std::to_string(i) + ":" + std::string(20, 'x') + "\n",
              i % 2 == 0 ? Durability::by_sync : Durability::by_the_system);
          if (i % 100 == 0) file.sync();
        }
      });
    }
  }
  // Oldest first: each thread's lines in its order.
  std::map<int, int> next;
  std::size_t lines = 0;
  for (int number = 20; number >= 0; --number) {
    const std::string suffix = number == 0 ? "" : "." + std::to_string(number);
    if (!exists(suffix)) continue;
    std::istringstream content(text(suffix));
    for (std::string line; std::getline(content, line); ++lines) {
      const int thread = line.at(0) - '0';
      EXPECT_EQ(line, std::to_string(thread) + ":" + std::to_string(next[thread]++) + ":" +
                          std::string(20, 'x'));
    }
  }
  EXPECT_EQ(lines, static_cast<std::size_t>(kThreads * kLines));
  EXPECT_TRUE(exists(".1"));
}

}  // namespace
}  // namespace kms::audit
