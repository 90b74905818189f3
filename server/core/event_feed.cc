#include "server/core/event_feed.h"

namespace hongyan::core {

void EventFeed::Recorded(std::int64_t cursor) {
  latest_ = cursor;
  newest_.push_back(cursor);
  if (newest_.size() > kNewest) {
    all_known_after_ = newest_.front();
    newest_.pop_front();
  }
  news_.NotifyAll();
}

async::Task<bool> EventFeed::WaitBeyond(std::int64_t cursor, async::MonoTime deadline) {
  while (latest_ <= cursor) {
    const async::WaitList::Woken woken = co_await news_.Wait(deadline);
    if (woken != async::WaitList::Woken::kNotified) co_return false;
  }
  co_return true;
}

}  // namespace hongyan::core
