#include "pkcs11/search_pace.h"

#include <gtest/gtest.h>

#include <vector>

namespace pkcs11 {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Pace : public testing::Test {
 protected:
  /// How long one waits for each of `turns` turns.
  std::vector<milliseconds> waits(int turns, bool disturbs, bool asked) {
    std::vector<milliseconds> waited;
    for (int i = 0; i < turns; ++i) {
      const Deadline before = now_;
      while (const auto next = pace_.take_turn(now_, disturbs, asked)) now_ = *next;
      waited.push_back(std::chrono::duration_cast<milliseconds>(now_ - before));
    }
    return waited;
  }
  using Waits = std::vector<milliseconds>;

  SearchPace pace_;
  Deadline now_{};
};

TEST_F(Pace, IsQuickWhileNobodyIsDisturbed) {
  EXPECT_EQ(waits(4, false, false),
            (Waits{seconds(0), milliseconds(1500), milliseconds(1500), milliseconds(1500)}));
}

TEST_F(Pace, DoublesUpToTenMinutesWhileAnotherTokenIsDisturbed) {
  EXPECT_EQ(waits(12, true, false), (Waits{seconds(0), milliseconds(1500), seconds(3), seconds(6),
                                           seconds(12), seconds(24), seconds(48), seconds(96),
                                           seconds(192), seconds(384), minutes(10), minutes(10)}));
  // The others are away now as well.
  EXPECT_EQ(waits(1, false, false), Waits{milliseconds(1500)});
}

TEST_F(Pace, IsBoundedForThoseWhoAsk) {
  EXPECT_EQ(waits(6, true, true), (Waits{seconds(0), milliseconds(1500), seconds(3), seconds(5),
                                         seconds(5), seconds(5)}));
}

TEST_F(Pace, DoesNotDoubleForASearchThatWasNotDone) {
  EXPECT_EQ(waits(3, true, false), (Waits{seconds(0), milliseconds(1500), seconds(3)}));
  for (int i = 0; i < 5; ++i) {
    pace_.not_done();
    EXPECT_EQ(waits(1, true, false), Waits{seconds(3)});
  }
  EXPECT_EQ(waits(2, true, false), (Waits{seconds(6), seconds(12)}));
}

TEST_F(Pace, BeginsAnewWhenItHelpedOrNothingWasMissingForLong) {
  (void)waits(8, true, false);
  pace_.helped();
  EXPECT_EQ(waits(2, true, false), (Waits{seconds(0), milliseconds(1500)}));
  (void)waits(8, true, false);
  now_ += minutes(20);
  EXPECT_EQ(waits(2, true, false), (Waits{seconds(0), milliseconds(1500)}));
}

}  // namespace
}  // namespace pkcs11
