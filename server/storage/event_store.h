// The events that WeChat pushed, each once, in the order in which they were stored.
//
// Contract: Record() answers only when the event is on the disk. A second event of one account with
//           the same key is not stored again and changes nothing; it gets the first one's cursor.
//           Cursors grow in the order of the commits, whatever the clocks say, and are never used
//           twice: each is greater than the last, and never below the time of the event's receipt
//           in microseconds since 1970, so that an old copy of the database that is put back
//           doesn't give out any of those that it has forgotten. The effect on the sender's row is
//           in the same transaction: either both are there or neither. A row whose checksum doesn't
//           fit is told as damaged, and the others go on.
// Errors:   those of StorageThread. INVALID_ARGUMENT - a field over its bound: a mistake of the
//           caller. OUT_OF_RANGE CURSOR_UNKNOWN - a cursor that was never given out.
// Bounds:   a key is remembered for kKeyRetention, also when its event is gone sooner; WeChat
//           repeats a push three times within some 20 s. One List returns kMaxPage events at most,
//           `bytes` of them, and reads no others, whatever the filter.
// Threads:  event loop only. Lifetime: `thread` outlives it and its tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/storage/event.h"
#include "server/storage/storage_thread.h"

namespace hongyan::storage {

class EventStore {
 public:
  // Called on the loop for each new event once it is on the disk, in the order of the cursors and
  // before its Record() ends; also for those whose Record() has stopped waiting. One that was
  // stored though its Record() failed is told when it is recorded again, if no later one has been
  // told. What it refers to outlives the loop's run.
  using Listener = std::function<void(const CommittedEvent&)>;

  explicit EventStore(StorageThread& thread) : thread_(thread), announced_(thread.first_cursor()) {}

  // Before the first Record(), whose events it hears of.
  void SetListener(Listener listener) { listener_ = std::move(listener); }

  async::Task<absl::StatusOr<Recorded>> Record(model::NewEvent event, async::MonoTime deadline);
  // Events after `after_cursor` in the order of their cursors; 0: from the first that is kept.
  async::Task<absl::StatusOr<EventPage>> List(EventFilter filter, std::int64_t after_cursor,
                                              int limit, async::MonoTime deadline,
                                              std::size_t bytes = kMaxPageBytes);
  // The greatest cursor ever given; 0 when there was no event yet.
  async::Task<absl::StatusOr<std::int64_t>> LastCursor(async::MonoTime deadline);
  // LastCursor() as of the start; the listener hears of the cursors after it.
  std::int64_t first_cursor() const { return thread_.first_cursor(); }
  // Grows before it is answered that events were removed: what was read before may hold some of
  // them.
  std::int64_t removals() const { return thread_.stats().removals; }
  // Removes events that were received more than `retention` before `now`, and keys older than
  // kKeyRetention, in transactions of kPruneBatch rows, between which others have their turn. What
  // was received while the clock was behind is as old as its cursor says. Ends early, with what it
  // has done, when `deadline` comes or the task is cancelled.
  async::Task<absl::StatusOr<PruneCounts>> Prune(absl::Time now, absl::Duration retention,
                                                 async::MonoTime deadline);

 private:
  StorageThread& thread_;
  Listener listener_;
  std::int64_t announced_;  // the greatest cursor that the listener was told
};

}  // namespace hongyan::storage
