// The newest events, read from storage and made into protos once for all who follow.
//
// Contract: After() gives the events behind a cursor, of all accounts and types, up to kTailPage of
//           them. Whoever asks for the same cursor while it is being read waits for that read and
//           gets its batch, empty or not, or its error; who asks shortly afterwards gets the same
//           batch, unless it was empty. So a batch may lack what was recorded meanwhile, and
//           `next_cursor` says where to go on. Nobody gets a batch that was read before events were
//           removed.
// Errors:   those of EventStore; DEADLINE_EXCEEDED when somebody else's read takes longer than
//           `deadline`; CANCELLED.
// Bounds:   kTailBatches batches are kept, each of at most kTailBytes of pushes.
// Threads:  event loop only. Lifetime: store and clock outlive it; it outlives the tasks that wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "hongyan/v1/event.pb.h"
#include "server/async/wait_list.h"
#include "server/storage/event_store.h"

namespace hongyan::api {

inline constexpr int kTailPage = 200;
// Each of many slow readers may hold a batch of its own.
inline constexpr std::size_t kTailBytes = 256 << 10;
inline constexpr std::size_t kTailBatches = 4;

struct EventBatch {
  std::vector<v1::Event> events;
  std::int64_t next_cursor = 0;
  bool more = false;
};

void Fill(const storage::EventPage& page, EventBatch& batch);

class EventTail {
 public:
  EventTail(storage::EventStore& store, async::Clock& clock) : store_(store), clock_(clock) {}

  async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> After(std::int64_t cursor,
                                                                       async::MonoTime deadline);

 private:
  struct Read {
    Read(std::int64_t cursor, std::int64_t removals_before, async::Clock& clock)
        : after(cursor), removals(removals_before), done(clock) {}
    const std::int64_t after;
    const std::int64_t removals;              // EventStore::removals() when it began
    std::shared_ptr<const EventBatch> batch;  // null until read
    absl::Status problem;                     // of the read
    async::WaitList done;
  };

  std::shared_ptr<Read> Find(std::int64_t cursor) const;

  storage::EventStore& store_;
  async::Clock& clock_;
  std::list<std::shared_ptr<Read>> reads_;  // the newest last
};

}  // namespace hongyan::api
