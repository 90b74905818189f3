#include "server/core/event_feed.h"

#include <algorithm>

namespace hongyan::core {

void EventFeed::Recorded(std::int64_t cursor) {
  latest_ = std::max(latest_, cursor);
  // Mostly at the end; what was recorded too late for its push may be told a little later.
  newest_.insert(std::upper_bound(newest_.begin(), newest_.end(), cursor), cursor);
  // Without ToldLast() what was before the first of them isn't known.
  if (newest_.size() == 1) all_known_after_ = std::min(all_known_after_, cursor);
  if (newest_.size() > kNewest) {
    all_known_after_ = std::max(all_known_after_, newest_.front());
    newest_.pop_front();
  }
  news_.NotifyAll();
}

void EventFeed::ToldLast(std::int64_t cursor) {
  if (newest_.empty()) all_known_after_ = std::min(all_known_after_, cursor);
}

async::Task<bool> EventFeed::WaitBeyond(std::int64_t cursor, async::MonoTime deadline) {
  while (latest_ <= cursor) {
    const async::WaitList::Woken woken = co_await news_.Wait(deadline);
    if (woken != async::WaitList::Woken::kNotified) co_return false;
  }
  co_return true;
}

}  // namespace hongyan::core
