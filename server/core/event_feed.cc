#include "server/core/event_feed.h"

namespace hongyan::core {

async::Task<bool> EventFeed::WaitBeyond(std::int64_t cursor, async::MonoTime deadline) {
  while (latest_ <= cursor && !closed_) {
    const async::WaitList::Woken woken = co_await news_.Wait(deadline);
    if (woken != async::WaitList::Woken::kNotified) co_return false;
  }
  co_return !closed_;
}

}  // namespace hongyan::core
