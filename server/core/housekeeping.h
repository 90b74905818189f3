// What the service does unasked: it removes what is old, and asks for profiles that could not be
// read.
//
// Contract: Run() makes a round at once and then one every kHousekeepingEvery, until its task is
//           cancelled. A round removes events older than `retention` and the keys of repeats, and
//           erases what is personal of those who left more than `unsubscribed_retention` ago. How
//           much is logged. What is old JudgeTime() says, so that a wrong clock removes nothing.
//           What fails is logged and tried again in the next round.
// Bounds:   a round takes kHousekeepingLimit; what is left then waits for the next.
// Threads:  event loop only.
// Lifetime: what it is given outlives it and its task.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/core/subscribers.h"
#include "server/storage/age_clock_store.h"
#include "server/storage/event_store.h"
#include "server/storage/subscriber_store.h"

namespace hongyan::core {

inline constexpr absl::Duration kHousekeepingEvery = absl::Minutes(10);
inline constexpr absl::Duration kHousekeepingLimit = absl::Minutes(5);

struct Retention {
  absl::Duration events;
  absl::Duration unsubscribed;
};

class Housekeeping {
 public:
  Housekeeping(Retention retention, storage::EventStore& events,
               storage::SubscriberStore& subscriber_rows, storage::AgeClockStore& age_clock,
               Subscribers& subscribers, async::Clock& clock)
      : retention_(retention),
        events_(events),
        subscriber_rows_(subscriber_rows),
        age_clock_(age_clock),
        subscribers_(subscribers),
        clock_(clock) {}

  async::Task<void> Run();
  // The part of a round that removes.
  async::Task<void> RemoveOld(async::MonoTime until);

 private:
  // None: it isn't known, so nothing may be removed.
  async::Task<std::optional<absl::Time>> TimeToJudgeBy(async::MonoTime until);

  const Retention retention_;
  storage::EventStore& events_;
  storage::SubscriberStore& subscriber_rows_;
  storage::AgeClockStore& age_clock_;
  Subscribers& subscribers_;
  async::Clock& clock_;
  std::optional<storage::AgeClock> age_;      // none: not read yet
  std::optional<async::MonoTime> judged_at_;  // none: not in this process
};

}  // namespace hongyan::core
