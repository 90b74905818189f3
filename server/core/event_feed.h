// Tells those who follow the events that there are new ones. The events themselves are in storage.
//
// Contract: a watcher reads storage until nothing is left after its cursor, then waits for one beyond it; what is
//           recorded between the two is not missed, because the feed knows the latest cursor.
// Threads:  event loop only.          Lifetime: outlives its waiters.
#pragma once

#include <algorithm>
#include <cstdint>

#include "server/async/wait_list.h"

namespace hongyan::core {

class EventFeed {
 public:
  explicit EventFeed(async::Clock& clock) : news_(clock) {}

  void Recorded(std::int64_t cursor) {
    latest_ = std::max(latest_, cursor);
    news_.NotifyAll();
  }
  std::int64_t latest() const { return latest_; }

  // True once there may be an event after `cursor`; false when `deadline`, the task's cancellation or Close() came.
  async::Task<bool> WaitBeyond(std::int64_t cursor, async::MonoTime deadline);
  // Ends all waits, for the end of the process.
  void Close() {
    closed_ = true;
    news_.NotifyAll();
  }
  bool closed() const { return closed_; }

 private:
  async::WaitList news_;
  std::int64_t latest_ = 0;
  bool closed_ = false;
};

}  // namespace hongyan::core
