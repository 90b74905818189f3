// Tasks that wait for the same thing to happen, each with its own deadline.
//
// Contract: Wait() ends with kNotified once NotifyAll() was called after it began, with kDeadline
//           when `deadline` came first, with kCancelled when the waiting task was cancelled. One
//           waiter's end leaves the others be.
// Threads:  event loop only.
// Lifetime: outlives its waiters.
#pragma once

#include <list>

#include "server/async/clock.h"
#include "server/async/task.h"

namespace hongyan::async {

class WaitList {
 public:
  enum class Woken { kNotified, kDeadline, kCancelled };

  explicit WaitList(Clock& clock) : clock_(clock) {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  Task<Woken> Wait(MonoTime deadline);
  void NotifyAll();
  // Wakes the one who waited longest; false when nobody waits.
  bool NotifyOne();

 private:
  struct Waiter {
    Alarm* alarm;
    bool notified = false;
  };
  Clock& clock_;
  std::list<Waiter*> waiters_;
};

}  // namespace hongyan::async
