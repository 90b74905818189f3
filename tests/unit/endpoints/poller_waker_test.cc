// That gRPC's polling threads get their event while nobody calls.
#include "server/endpoints/grpc/poller_waker.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/async/task_group.h"
#include "tests/support/loop_test.h"

namespace hongyan::endpoints {
namespace {

using PollerWakerTest = support::LoopTest;

TEST_F(PollerWakerTest, A16_EachIntervalBringsAnEvent) {
  PollerWaker waker(clock_, absl::Milliseconds(400));
  async::TaskGroup group(loop_.executor(), clock_, 1);
  group.Spawn(waker.Run());
  clock_.Settle();
  for (int event = 1; event <= 3; ++event) {
    // The call ends on a thread of gRPC's.
    while (waker.ended() < event) std::this_thread::yield();
    clock_.Advance(absl::Milliseconds(399));
    EXPECT_EQ(waker.begun(), event);
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(waker.begun(), event + 1);
  }
  waker.Stop();
  clock_.Settle();
  EXPECT_EQ(clock_.NextAlarm(), async::MonoTime::max());
}

}  // namespace
}  // namespace hongyan::endpoints
