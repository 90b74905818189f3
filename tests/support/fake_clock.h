// A clock that stands still until a test moves it.
//
// Contract: Advance() goes from alarm to alarm in the order of their times and lets the loop run
//           dry before each step and at the end, so that every task sees the time it waited for.
//           Alarms are as those of async::Clock.
// Threads:  the test's own, which is the loop's.
// Lifetime: outlives its alarms; the loop outlives the clock.
#pragma once

#include <list>
#include <memory>

#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"

namespace hongyan::support {

class FakeAlarm;

class FakeClock final : public async::Clock {
 public:
  explicit FakeClock(async::EventLoop& loop);

  absl::Time Now() const override { return wall_; }
  async::MonoTime Mono() const override { return mono_; }
  std::unique_ptr<async::Alarm> NewAlarm() override;

  void Advance(absl::Duration step);
  // To the next alarm that will ever go off. False when there is none.
  bool AdvanceToNextAlarm();
  // Somebody sets the wall clock; the monotonic one takes no notice.
  void JumpWallTime(absl::Duration step) { wall_ += step; }
  // The earliest time that somebody waits for; MonoTime::max() when nobody does.
  async::MonoTime NextAlarm() const;
  // Runs what can run without time passing.
  void Settle();

 private:
  friend class FakeAlarm;
  void MoveTo(async::MonoTime when);
  void FireDue();

  async::EventLoop& loop_;
  async::MonoTime mono_;
  absl::Time wall_;
  std::list<FakeAlarm*> waiting_;
};

}  // namespace hongyan::support
