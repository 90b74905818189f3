// Tells those who follow the events that there are new ones. The events themselves are in storage.
//
// Contract: a watcher reads storage until nothing is left after its cursor, then waits for one
//           beyond it; what is recorded between the two is not missed, because the feed knows the
//           latest cursor.
// Bounds:   the cursors of kNewest events are kept.
// Threads:  event loop only.          Lifetime: outlives its waiters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "server/async/wait_list.h"

namespace hongyan::core {

class EventFeed {
 public:
  static constexpr std::size_t kNewest = 200;

  // `last`: the greatest cursor so far.
  EventFeed(async::Clock& clock, std::int64_t last)
      : news_(clock), latest_(last), all_known_after_(last) {}

  // In the order of the cursors. None is left out but one whose commit was taken for failed, once a
  // later one is there.
  void Recorded(std::int64_t cursor);
  // Whether at most kNewest events are known to be after `cursor`, which stands at or before the
  // last one. Tells apart who follows closely and who has much to catch up with.
  bool IsNearTheEnd(std::int64_t cursor) const { return cursor >= all_known_after_; }

  // True once there may be an event after `cursor`; false when `deadline` or the task's
  // cancellation came.
  async::Task<bool> WaitBeyond(std::int64_t cursor, async::MonoTime deadline);

 private:
  async::WaitList news_;
  std::int64_t latest_;
  std::int64_t all_known_after_;
  std::deque<std::int64_t> newest_;  // the cursors of all events after all_known_after_
};

}  // namespace hongyan::core
