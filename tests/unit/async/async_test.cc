// The scheduling tricks, with real alarms that never have to go off.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/fan_out.h"
#include "server/async/handoff.h"
#include "server/async/task_group.h"
#include "server/async/wait_list.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_until_done.h"

namespace hongyan::async {
namespace {

class AsyncTest : public testing::Test {
 protected:
  void Turn() {
    while (loop_.context().poll() > 0) {
    }
  }
  EventLoop loop_;
  SystemClock clock_{loop_};
};

Task<void> WaitAndNote(WaitList& list, MonoTime deadline, std::vector<WaitList::Woken>& woken) {
  woken.push_back(co_await list.Wait(deadline));
}

TEST_F(AsyncTest, NotifyAllWakesEveryWaiterOnce) {
  WaitList list(clock_);
  TaskGroup group(loop_.executor(), clock_, 10);
  std::vector<WaitList::Woken> woken;
  for (int i = 0; i < 3; ++i) group.Spawn(WaitAndNote(list, MonoTime::max(), woken));
  Turn();
  list.NotifyAll();
  Turn();
  EXPECT_EQ(woken, std::vector<WaitList::Woken>(3, WaitList::Woken::kNotified));
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(AsyncTest, NotifyOneWakesTheLongestWaiter) {
  WaitList list(clock_);
  EXPECT_FALSE(list.NotifyOne());
  TaskGroup group(loop_.executor(), clock_, 10);
  std::vector<WaitList::Woken> first, second;
  group.Spawn(WaitAndNote(list, MonoTime::max(), first));
  group.Spawn(WaitAndNote(list, MonoTime::max(), second));
  Turn();
  EXPECT_TRUE(list.NotifyOne());
  Turn();
  EXPECT_EQ(first.size(), 1u);
  EXPECT_TRUE(second.empty());
  list.NotifyAll();
  Turn();
}

TEST_F(AsyncTest, PastDeadlineEndsAWaitAlone) {
  WaitList list(clock_);
  TaskGroup group(loop_.executor(), clock_, 10);
  std::vector<WaitList::Woken> late, patient;
  group.Spawn(WaitAndNote(list, clock_.Mono(), late));
  group.Spawn(WaitAndNote(list, MonoTime::max(), patient));
  while (late.empty()) loop_.context().run_one();
  EXPECT_EQ(late.front(), WaitList::Woken::kDeadline);
  EXPECT_TRUE(patient.empty());
  list.NotifyAll();
  Turn();
  EXPECT_EQ(patient.front(), WaitList::Woken::kNotified);
}

TEST_F(AsyncTest, CancelledGroupEndsItsTasksByValue) {
  WaitList list(clock_);
  TaskGroup group(loop_.executor(), clock_, 2);
  std::vector<WaitList::Woken> woken;
  EXPECT_TRUE(group.Spawn(WaitAndNote(list, MonoTime::max(), woken)));
  EXPECT_TRUE(group.Spawn(WaitAndNote(list, MonoTime::max(), woken)));
  EXPECT_FALSE(group.Spawn(WaitAndNote(list, MonoTime::max(), woken))) << "over its bound";
  Turn();
  group.CancelAll();
  EXPECT_TRUE(support::RunUntilDone(loop_, group.Drain(MonoTime::max())));
  EXPECT_EQ(woken, std::vector<WaitList::Woken>(2, WaitList::Woken::kCancelled));
  EXPECT_FALSE(list.NotifyOne()) << "somebody still waits";
}

Task<void> Throws() {
  throw std::runtime_error("a library's mistake");
  co_return;
}

TEST_F(AsyncTest, P11_ATaskThatThrowsEndsAlone) {
  TaskGroup group(loop_.executor(), clock_, 2);
  group.Spawn(Throws());
  EXPECT_TRUE(support::RunUntilDone(loop_, group.Drain(MonoTime::max())));
}

struct Work {
  explicit Work(Clock& clock) : gate(clock) {}
  WaitList gate;
  int running = 0;
  int most = 0;
  std::vector<std::size_t> begun;
  std::vector<bool> finished;
};

Task<void> Step(Work& work, std::size_t index) {
  work.begun.push_back(index);
  work.most = std::max(work.most, ++work.running);
  const auto woken = co_await work.gate.Wait(MonoTime::max());
  --work.running;
  work.finished.push_back(woken == WaitList::Woken::kNotified);
}

TEST_F(AsyncTest, FanOutDoesAllAFewAtATime) {
  Work work(clock_);
  std::optional<bool> all;
  asio::co_spawn(loop_.executor(),
                 FanOut(loop_.executor(), clock_, 10, 3, NoPatience,
                        [&](std::size_t i) { return Step(work, i); }),
                 [&](std::exception_ptr, bool done) { all = done; });
  while (!all) {
    Turn();
    work.gate.NotifyAll();
  }
  EXPECT_TRUE(*all);
  EXPECT_EQ(work.begun, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(work.most, 3);
}

// When nothing begun is left to finish, when it finishes in time, when its time is over.
TEST_F(AsyncTest, G17_CancelledFanOutBeginsNothingMoreAndFinishesWhatBegan) {
  enum class Case { kNoPatience, kFinishes, kTimeIsOver };
  for (const Case which : {Case::kNoPatience, Case::kFinishes, Case::kTimeIsOver}) {
    support::FakeClock clock(loop_);
    Work work(clock);
    std::optional<bool> all;
    Patience patience = [&clock] { return After(clock.Mono(), absl::Seconds(5)); };
    if (which == Case::kNoPatience) patience = NoPatience;
    const auto run = [&]() -> Task<bool> {
      return FanOut(loop_.executor(), clock, 10, 2, patience,
                    [&](std::size_t i) { return Step(work, i); });
    };
    TaskGroup group(loop_.executor(), clock, 1);
    const auto note = [](Task<bool> task, std::optional<bool>& out) -> Task<void> {
      out = co_await std::move(task);
    };
    group.Spawn(note(run(), all));
    Turn();
    EXPECT_EQ(work.begun.size(), 2u);
    group.CancelAll();
    Turn();
    if (which != Case::kNoPatience) {
      EXPECT_FALSE(all.has_value()) << "what has begun is waited for";
      if (which == Case::kFinishes) work.gate.NotifyAll();
      if (which == Case::kTimeIsOver) clock.Advance(absl::Seconds(6));
      Turn();
    }
    ASSERT_TRUE(all.has_value());
    EXPECT_FALSE(*all);
    EXPECT_EQ(work.begun.size(), 2u);
    EXPECT_EQ(work.finished, std::vector<bool>(2, which == Case::kFinishes));
  }
}

TEST_F(AsyncTest, C03_FarTimesDontOverflow) {
  EXPECT_EQ(After(clock_.Mono(), absl::InfiniteDuration()), MonoTime::max());
  EXPECT_EQ(After(clock_.Mono(), absl::Hours(24 * 365 * 100000)), MonoTime::max());
  const MonoTime now = clock_.Mono();
  EXPECT_EQ(Between(now, After(now, absl::Seconds(5))), absl::Seconds(5));
}

Task<void> AwaitThread(Executor executor, std::thread& thread, int& cancelled, bool& ended) {
  std::function<void(Done)> start = [&thread](Done done) { thread = std::thread(std::move(done)); };
  std::function<void()> cancel = [&cancelled] { ++cancelled; };
  co_await UntilDone(executor, std::move(start), std::move(cancel));
  ended = true;
}

TEST_F(AsyncTest, UntilDoneGoesOnWhenAnotherThreadIsDone) {
  std::thread thread;
  int cancelled = 0;
  bool ended = false;
  support::RunUntilDone(loop_, AwaitThread(loop_.executor(), thread, cancelled, ended));
  thread.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(cancelled, 0);
}

Task<void> AwaitDone(Executor executor, Done& keep, int& cancelled, bool& ended) {
  std::function<void(Done)> start = [&keep](Done done) { keep = std::move(done); };
  std::function<void()> cancel = [&cancelled] { ++cancelled; };
  co_await UntilDone(executor, std::move(start), std::move(cancel));
  ended = true;
}

TEST_F(AsyncTest, UntilDoneTellsOfCancellationAndStillWaits) {
  TaskGroup group(loop_.executor(), clock_, 1);
  Done done;
  int cancelled = 0;
  bool ended = false;
  group.Spawn(AwaitDone(loop_.executor(), done, cancelled, ended));
  Turn();
  group.CancelAll();
  Turn();
  EXPECT_EQ(cancelled, 1);
  EXPECT_FALSE(ended);
  done();
  Turn();
  EXPECT_TRUE(ended);
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(AsyncTest, UntilDoneThatBeginsCancelledIsCancelledAtOnce) {
  TaskGroup group(loop_.executor(), clock_, 1);
  Done done;
  int cancelled = 0;
  bool ended = false;
  group.Spawn(AwaitDone(loop_.executor(), done, cancelled, ended));
  group.CancelAll();
  Turn();
  EXPECT_EQ(cancelled, 1);
  ASSERT_TRUE(done);
  done();
  Turn();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace hongyan::async
