#include "server/core/age_clock.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hongyan::core {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1700000000);
constexpr absl::Duration kDay = absl::Hours(24);

storage::AgeClock Believing(absl::Time time) { return {time, std::nullopt, absl::ZeroDuration()}; }

// So many rounds, ten minutes apart, of a clock that goes as it should from `*now` on.
absl::Time Rounds(storage::AgeClock& clock, absl::Time& now, int rounds) {
  absl::Time judged;
  for (int i = 0; i < rounds; ++i) {
    now += absl::Minutes(10);
    judged = JudgeTime(clock, now, absl::Minutes(10));
  }
  return judged;
}
constexpr int kRoundsOfADay = 144;

TEST(AgeClockTest, A06_C01_ClockThatGoesAsItShouldIsBelieved) {
  storage::AgeClock clock;
  EXPECT_EQ(JudgeTime(clock, kStart, absl::ZeroDuration()), kStart);  // nothing was known
  absl::Time now = kStart;
  EXPECT_EQ(Rounds(clock, now, 3 * kRoundsOfADay), now);
  // Off for less than a day.
  now += absl::Hours(23);
  EXPECT_EQ(JudgeTime(clock, now, absl::ZeroDuration()), now);
  EXPECT_FALSE(clock.doubted);
}

TEST(AgeClockTest, A06_C01_LeapAheadMakesNothingOld) {
  storage::AgeClock clock = Believing(kStart);
  absl::Time wrong = kStart + 31 * kDay;
  EXPECT_EQ(JudgeTime(clock, wrong, absl::ZeroDuration()), kStart);
  EXPECT_TRUE(clock.doubted);
  // Meanwhile things grow old by the running time.
  EXPECT_EQ(Rounds(clock, wrong, 6), kStart + absl::Hours(1));
  // It is set right: no trace is left.
  absl::Time right = kStart + absl::Hours(1) + absl::Minutes(10);
  EXPECT_EQ(JudgeTime(clock, right, absl::Minutes(10)), right);
  EXPECT_FALSE(clock.doubted);
  EXPECT_EQ(clock.doubted_for, absl::ZeroDuration());
  // Neither does the next leap profit from the first.
  wrong = right + 31 * kDay;
  EXPECT_EQ(Rounds(clock, wrong, kRoundsOfADay), right + kDay);
  EXPECT_TRUE(clock.doubted);
}

TEST(AgeClockTest, A06_LeapIsLessWhereRetentionIsShort) {
  storage::AgeClock clock = Believing(kStart);
  const absl::Duration leap = absl::Minutes(30);
  EXPECT_EQ(JudgeTime(clock, kStart + absl::Hours(23), absl::ZeroDuration(), leap), kStart);
  EXPECT_TRUE(clock.doubted);
  const absl::Time right = kStart + leap;
  EXPECT_EQ(JudgeTime(clock, right, absl::ZeroDuration(), leap), right);
  EXPECT_FALSE(clock.doubted);
}

// Else it would fall behind by every night.
TEST(AgeClockTest, A06_ServiceThatIsOffEveryNightAgreesWithItselfWhateverTheLeap) {
  const absl::Duration leap = absl::Minutes(30);
  storage::AgeClock clock = Believing(kStart);
  absl::Time now = kStart;
  absl::Duration behind;
  for (int day = 0; day < 30; ++day) {
    now += absl::Hours(8);
    absl::Time judged = JudgeTime(clock, now, absl::ZeroDuration(), leap);
    for (int i = 0; i < 96; ++i) {  // sixteen hours
      now += absl::Minutes(10);
      judged = JudgeTime(clock, now, absl::Minutes(10), leap);
    }
    behind = std::max(behind, now - judged);
  }
  EXPECT_LE(behind, absl::Hours(16));
}

TEST(AgeClockTest, A06_ServiceThatWasOffForAMonthBelievesItsClockAfterADay) {
  storage::AgeClock clock = Believing(kStart);
  absl::Time now = kStart + 31 * kDay;
  EXPECT_EQ(JudgeTime(clock, now, absl::ZeroDuration()), kStart);
  EXPECT_EQ(Rounds(clock, now, kRoundsOfADay - 1), kStart + kDay - absl::Minutes(10));
  EXPECT_EQ(Rounds(clock, now, 1), now);
  EXPECT_FALSE(clock.doubted);
  EXPECT_EQ(clock.believed, now);
}

// As a service that is off every night: a day of running takes three days.
TEST(AgeClockTest, A06_AgreementAddsUpOverRestarts) {
  storage::AgeClock clock = Believing(kStart);
  absl::Time now = kStart + 31 * kDay;
  absl::Time judged;
  for (int day = 0; day < 3; ++day) {
    judged = JudgeTime(clock, now, absl::ZeroDuration());
    EXPECT_EQ(judged, kStart + day * absl::Hours(8)) << day;
    judged = Rounds(clock, now, 48);  // eight hours
    now += absl::Hours(16);
  }
  EXPECT_EQ(judged, now - absl::Hours(16));
}

TEST(AgeClockTest, A06_ClockThatGoesOnLeapingIsNeverBelieved) {
  storage::AgeClock clock = Believing(kStart);
  absl::Time now = kStart;
  for (int leap = 1; leap < 20; ++leap) {
    now += 2 * kDay;
    JudgeTime(clock, now, absl::Minutes(10));
    Rounds(clock, now, kRoundsOfADay / 2);
  }
  EXPECT_LT(clock.believed, kStart + 10 * kDay);
  EXPECT_TRUE(clock.doubted);
}

TEST(AgeClockTest, A06_C01_GoingBackIsBelievedAtOnceAndTheReturnIsALeap) {
  storage::AgeClock clock = Believing(kStart);
  EXPECT_EQ(JudgeTime(clock, kStart - 365 * kDay, absl::Minutes(10)), kStart - 365 * kDay);
  EXPECT_EQ(JudgeTime(clock, kStart, absl::Minutes(10)), kStart - 365 * kDay + absl::Minutes(10));
  EXPECT_TRUE(clock.doubted);
}

}  // namespace
}  // namespace hongyan::core
