// By which time the age of what is stored is judged, kept over restarts.
//
// Contract: Load() gives what was saved last. Where nothing was yet, `believed` is the newest time
//           of anything that is stored; when nothing is stored either, it is InfinitePast.
// Errors:   those of StorageThread.
// Threads:  event loop only. Lifetime: `thread` outlives it and its tasks.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/storage/storage_thread.h"

namespace hongyan::storage {

// core::JudgeTime says what the fields are for.
struct AgeClock {
  absl::Time believed = absl::InfinitePast();  // when something was last judged
  std::optional<absl::Time> doubted;  // what the wall clock said then, where it isn't believed
  absl::Duration doubted_for;         // running time since the doubt began
};

class AgeClockStore {
 public:
  explicit AgeClockStore(StorageThread& thread) : thread_(thread) {}

  async::Task<absl::StatusOr<AgeClock>> Load(async::MonoTime deadline);
  async::Task<absl::Status> Save(AgeClock clock, async::MonoTime deadline);

 private:
  StorageThread& thread_;
};

}  // namespace hongyan::storage
