// What time it is, and how to wait for it. The seam that lets tests say "7000 seconds later".
//
// Contract: Now() is wall time and may jump; Mono() only grows, and all waiting and ageing goes by
//           it. An Alarm waits for a moment of Mono() or for Cancel(), whichever comes first.
// Threads:  Now() and Mono() any; alarms the event loop only.
// Lifetime: the clock outlives its alarms.
#pragma once

#include <memory>

#include "absl/time/time.h"
#include "server/async/task.h"

namespace hongyan::async {

class EventLoop;

class Alarm {
 public:
  virtual ~Alarm() = default;
  // True when `when` came; false when Cancel() or the waiting task's cancellation came first. One
  // wait at a time.
  virtual Task<bool> WaitUntil(MonoTime when) = 0;
  // Ends the wait that goes on, if any.
  virtual void Cancel() = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  virtual MonoTime Mono() const = 0;
  virtual std::unique_ptr<Alarm> NewAlarm() = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(EventLoop& loop) : loop_(loop) {}
  absl::Time Now() const override;
  MonoTime Mono() const override;
  std::unique_ptr<Alarm> NewAlarm() override;

 private:
  EventLoop& loop_;
};

// `when` plus `delay`; an infinite or overflowing delay gives the far future.
MonoTime After(MonoTime when, absl::Duration delay);
// How long from `from` to `to`, negative when `to` is earlier.
absl::Duration Between(MonoTime from, MonoTime to);

}  // namespace hongyan::async
