#include "server/core/event_feed.h"

#include "tests/support/loop_test.h"

namespace hongyan::core {
namespace {

class EventFeedTest : public support::LoopTest {
 protected:
  EventFeed feed_{clock_};
};

TEST_F(EventFeedTest, NearTheEndIsCountedInEventsNotInCursors) {
  EXPECT_FALSE(feed_.IsNearTheEnd(0));
  // The last before the start is known: whoever has it has nothing to catch up with.
  feed_.ToldLast(1000);
  EXPECT_TRUE(feed_.IsNearTheEnd(1000));
  EXPECT_FALSE(feed_.IsNearTheEnd(999));
  const auto nth = [](std::int64_t n) { return 1000 + n * 1000000; };
  for (std::size_t n = 1; n <= EventFeed::kNewest; ++n) feed_.Recorded(nth(n));
  EXPECT_TRUE(feed_.IsNearTheEnd(1000));
  feed_.Recorded(nth(EventFeed::kNewest + 1));
  EXPECT_FALSE(feed_.IsNearTheEnd(1000));
  EXPECT_FALSE(feed_.IsNearTheEnd(nth(1) - 1));
  EXPECT_TRUE(feed_.IsNearTheEnd(nth(1)));
  // What it is told later is no news.
  feed_.ToldLast(5);
  EXPECT_FALSE(feed_.IsNearTheEnd(5));
}

TEST_F(EventFeedTest, WithoutAStartOnlyWhatWasRecordedSinceIsKnown) {
  feed_.Recorded(70);
  feed_.ToldLast(70);
  EXPECT_FALSE(feed_.IsNearTheEnd(69));
  EXPECT_TRUE(feed_.IsNearTheEnd(70));
}

TEST_F(EventFeedTest, WaitersHearOfWhatIsBeyondTheirCursorOnly) {
  const auto waits = Start(feed_.WaitBeyond(5, In(absl::Hours(1))));
  feed_.Recorded(5);
  clock_.Settle();
  EXPECT_FALSE(waits.done());
  feed_.Recorded(9);
  clock_.Settle();
  EXPECT_TRUE(waits.value());
  // A cursor that is told late goes back on nothing.
  feed_.Recorded(7);
  EXPECT_EQ(feed_.latest(), 9);
}

}  // namespace
}  // namespace hongyan::core
