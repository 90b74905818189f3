#include "server/core/event_feed.h"

#include "tests/support/loop_test.h"

namespace hongyan::core {
namespace {

class EventFeedTest : public support::LoopTest {
 protected:
  EventFeed feed_{clock_, 1000};
};

TEST_F(EventFeedTest, NearTheEndIsCountedInEventsNotInCursors) {
  // The last before the start is known: whoever has it has nothing to catch up with.
  EXPECT_TRUE(feed_.IsNearTheEnd(1000));
  EXPECT_FALSE(feed_.IsNearTheEnd(999));
  const auto nth = [](std::int64_t n) { return 1000 + n * 1000000; };
  for (std::size_t n = 1; n <= EventFeed::kNewest; ++n) feed_.Recorded(nth(n));
  EXPECT_TRUE(feed_.IsNearTheEnd(1000));
  feed_.Recorded(nth(EventFeed::kNewest + 1));
  EXPECT_FALSE(feed_.IsNearTheEnd(1000));
  EXPECT_FALSE(feed_.IsNearTheEnd(nth(1) - 1));
  EXPECT_TRUE(feed_.IsNearTheEnd(nth(1)));
}

TEST_F(EventFeedTest, WaitersHearOfWhatIsBeyondTheirCursorOnly) {
  const auto first = Start(feed_.WaitBeyond(999, In(absl::Hours(1))));
  const auto second = Start(feed_.WaitBeyond(1005, In(absl::Hours(1))));
  clock_.Settle();
  EXPECT_TRUE(first.value());  // it was there at the start
  feed_.Recorded(1005);
  clock_.Settle();
  EXPECT_FALSE(second.done());
  feed_.Recorded(1009);
  clock_.Settle();
  EXPECT_TRUE(second.value());
}

}  // namespace
}  // namespace hongyan::core
