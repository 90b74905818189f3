#include "server/async/wait_list.h"

#include <memory>
#include <utility>

namespace hongyan::async {

Task<WaitList::Woken> WaitList::Wait(MonoTime deadline) {
  const std::unique_ptr<Alarm> alarm = clock_.NewAlarm();
  Waiter self{alarm.get()};
  const auto it = waiters_.insert(waiters_.end(), &self);
  const bool time_came = co_await alarm->WaitUntil(deadline);
  if (self.notified) co_return Woken::kNotified;  // NotifyAll took it off the list
  waiters_.erase(it);
  co_return time_came ? Woken::kDeadline : Woken::kCancelled;
}

void WaitList::NotifyAll() {
  std::list<Waiter*> woken;
  woken.swap(waiters_);
  for (Waiter* waiter : woken) {
    waiter->notified = true;
    waiter->alarm->Cancel();
  }
}

bool WaitList::NotifyOne() {
  if (waiters_.empty()) return false;
  Waiter* waiter = waiters_.front();
  waiters_.pop_front();
  waiter->notified = true;
  waiter->alarm->Cancel();
  return true;
}

}  // namespace hongyan::async
