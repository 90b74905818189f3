// The events that WeChat pushed, each once, in the order in which they were stored.
//
// Contract: Record() answers only when the event is on the disk. A second event of one account with the same key is not
//           stored again and changes nothing; it gets the first one's cursor. Cursors grow in the order of the commits,
//           whatever the clocks say, and are never used twice: each is greater than the last, and never below the time
//           of the event's receipt in microseconds since 1970, so that an old copy of the database that is put back
//           doesn't give out any of those that it has forgotten. The effect on the sender's row is in the same
//           transaction: either both are there or neither.
//           A row whose checksum doesn't fit is told as damaged, and the others go on.
// Errors:   those of StorageThread. INVALID_ARGUMENT - a field over its bound: a mistake of the caller. OUT_OF_RANGE
//           CURSOR_UNKNOWN - a cursor that was never given out.
// Bounds:   a key is remembered for kKeyRetention, also when its event is gone sooner; WeChat repeats a push three times
//           within some 20 s. One List returns kMaxPage events at most, `bytes` of them, and reads no others, whatever
//           the filter.
// Threads:  event loop only. Lifetime: `thread` outlives it and its tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/storage/storage_thread.h"
#include "server/storage/subscriber.h"

namespace hongyan::storage {

inline constexpr absl::Duration kKeyRetention = absl::Hours(48);
inline constexpr int kMaxPage = 1000;
inline constexpr std::size_t kMaxPageBytes = 3 << 20;  // of bodies; one event always fits
inline constexpr std::size_t kMaxTypes = 100;          // of a filter
inline constexpr int kPruneBatch = 100;                // rows of one transaction
inline constexpr std::size_t kMaxAccount = 64;         // bytes; so the next ones
inline constexpr std::size_t kMaxOpenid = 128;
inline constexpr std::size_t kMaxDedupKey = 128;
inline constexpr std::size_t kMaxEventType = 40;  // of a-z, 0-9 and _
inline constexpr std::size_t kMaxEventBody = 1 << 20;

enum class BodyFormat { kXml = 0, kJson = 1 };

struct NewEvent {
  std::string account;
  std::string openid;  // empty for events of the account itself
  std::string type;    // as Event.type
  std::optional<absl::Time> create_time;
  absl::Time receive_time;
  std::string dedup_key;
  BodyFormat format = BodyFormat::kXml;
  std::string body;  // decrypted, as pushed
  SubscriberEffect effect;
};

struct Recorded {
  std::int64_t cursor = 0;
  bool repeated = false;
};

struct StoredEvent {
  std::int64_t cursor = 0;
  std::string account;
  std::string openid;
  std::string type;
  std::optional<absl::Time> create_time;
  absl::Time receive_time;
  BodyFormat format = BodyFormat::kXml;
  std::string body;
  bool damaged = false;  // the other fields are as found, which one is wrong isn't known
};

struct EventFilter {
  std::string account;             // empty: all
  std::vector<std::string> types;  // empty: all
};

struct EventPage {
  std::vector<StoredEvent> events;
  // Where to go on: nothing up to here that fits is missing.
  std::int64_t next_cursor = 0;
  std::int64_t last_cursor = 0;  // the greatest ever given, when the page was read
  bool more = false;             // there are later ones
};

struct PruneCounts {
  std::int64_t events = 0;
  std::int64_t keys = 0;
};

class EventStore {
 public:
  explicit EventStore(StorageThread& thread) : thread_(thread) {}

  // `late`: as in StorageThread::Write.
  async::Task<absl::StatusOr<Recorded>> Record(NewEvent event, async::MonoTime deadline,
                                               std::function<void(const Recorded&)> late = nullptr);
  // Events after `after_cursor` in the order of their cursors; 0: from the first that is kept.
  async::Task<absl::StatusOr<EventPage>> List(EventFilter filter, std::int64_t after_cursor,
                                              int limit, async::MonoTime deadline,
                                              std::size_t bytes = kMaxPageBytes);
  // The greatest cursor ever given; 0 when there was no event yet.
  async::Task<absl::StatusOr<std::int64_t>> LastCursor(async::MonoTime deadline);
  // Grows before it is answered that events were removed: what was read before may hold some of them.
  std::int64_t removals() const { return thread_.stats().removals; }
  // Removes events that were received more than `retention` before `now`, and keys older than kKeyRetention, in
  // transactions of kPruneBatch rows, between which others have their turn. What was received while the clock was behind
  // is as old as its cursor says. Ends early, with what it has done, when `deadline` comes or the task is cancelled.
  async::Task<absl::StatusOr<PruneCounts>> Prune(absl::Time now, absl::Duration retention,
                                                 async::MonoTime deadline);

 private:
  StorageThread& thread_;
};

}  // namespace hongyan::storage
