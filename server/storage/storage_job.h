// One piece of work for the storage thread, and what it has done so far.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/storage/database.h"

namespace hongyan::storage {

// What the thread has done so far.
struct StorageStats {
  std::int64_t commits = 0;  // transactions
  std::int64_t writes = 0;   // that were committed
  std::int64_t reads = 0;
  std::int64_t failed = 0;         // writes and reads
  std::int64_t reopened = 0;       // connections after an input/output error or a moved file
  std::int64_t failed_probes = 0;  // at a storage that had failed, which still didn't work
  std::int64_t damaged = 0;        // events read whose checksum was wrong, each once
  std::int64_t removals = 0;       // transactions that removed events, and some that failed to
  std::int64_t lost_events = 0;    // Database::lost_events()
  absl::Duration oldest_write{};   // how long it has been waiting; zero when none waits
};

struct StorageJob {
  virtual ~StorageJob() = default;
  virtual absl::Status Run(Database& database) = 0;
  // On the loop, once it was done well: also when nobody waits for it any longer.
  virtual void Announce() = 0;
  // An address for each kind of result.
  virtual const void* Kind() const = 0;

  bool reads = false;
  std::size_t bytes = 0;
  std::chrono::steady_clock::time_point since;
  absl::Status status;  // the storage thread's until it is handed back
  // The loop's.
  async::Alarm* waiter = nullptr;
  bool done = false;
};

using JobList = std::vector<std::shared_ptr<StorageJob>>;

}  // namespace hongyan::storage
