// The one thread that owns the database. Tasks on the loop hand it work and are resumed when it is
// done.
//
// Contract: writes that gathered while the last commit ran are committed together; a write's result
//           comes only after its transaction is on the disk. One that fails doesn't fail its
//           neighbours. Writes take effect in the order of their calls. A read sees every write
//           whose task has ended; between two commits only a few reads are done, so readers can't
//           hold up writers. A task that stops waiting (deadline, cancellation) takes nothing back:
//           its work may still be done. After an input/output error the whole batch fails, and the
//           database is closed and opened again before anything else; after that, and when the disk
//           was full, it is tried again every kProbeInterval. The same when the file is no longer
//           at its path, which is looked at every second and around each commit. After a write that
//           met damage the storage counts as damaged until the whole file was looked through and
//           found sound, whatever else succeeds meanwhile; it is looked through again and again,
//           with rests between.
// Errors:   RESOURCE_EXHAUSTED OVERLOADED - too much waits, nothing was done; RESOURCE_EXHAUSTED
//           STORAGE_FULL, INTERNAL STORAGE_CORRUPT, UNAVAILABLE STORAGE_UNAVAILABLE - as errors.h;
//           DEADLINE_EXCEEDED STORAGE_UNAVAILABLE - `deadline` came first; CANCELLED; and what the
//           work itself returns.
// Bounds:   StorageLimits. What a stopped waiter left behind counts until it is done.
// Threads:  event loop only, but health() and stats(): any. Work runs on the storage thread.
// Lifetime: loop and clock outlive it; it outlives the tasks that wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"
#include "server/storage/database.h"
#include "server/storage/storage_job.h"

namespace hongyan::storage {

struct StorageLimits {
  std::size_t waiting_writes = 8192;
  std::size_t waiting_reads = 1024;
  std::size_t waiting_bytes = 32 << 20;    // of all writes that wait, as their callers count them
  std::size_t batch = 512;                 // writes of one transaction
  absl::Duration late = absl::Seconds(2);  // callers don't wait longer: core::kRecordLimit
};
// What waits when the thread is stopped has so long to be done. Half a second more, and the thread
// is left to itself.
inline constexpr absl::Duration kStopLimit = absl::Seconds(3);
inline constexpr absl::Duration kStopGrace = absl::Milliseconds(500);

// May run more than once: when a batch fails as a whole, its writes are tried one by one. So it
// moves nothing out of itself. It may let SOCI's exceptions pass.
template <typename T>
using StorageWork = std::function<absl::StatusOr<T>(Database&)>;

class StorageThread {
 public:
  StorageThread(async::EventLoop& loop, async::Clock& clock, std::unique_ptr<Database> database,
                StorageLimits limits = {});
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;
  // Stop().
  ~StorageThread();

  // `bytes`: about how much memory the work holds. `announce`: called on the loop when the work is
  // on the disk, before the task goes on, and also when that has stopped waiting; in the order of
  // the commits. What it refers to outlives the loop's run.
  template <typename T>
  async::Task<absl::StatusOr<T>> Write(StorageWork<T> work, std::size_t bytes,
                                       async::MonoTime deadline,
                                       std::function<void(const T&)> announce = nullptr) {
    return Do<T>(std::move(work), false, bytes, deadline, std::move(announce));
  }
  template <typename T>
  async::Task<absl::StatusOr<T>> Read(StorageWork<T> work, async::MonoTime deadline) {
    return Do<T>(std::move(work), true, 0, deadline, nullptr);
  }

  // Does what waits, closes the database and ends the thread. Later calls are refused. What was not
  // done after `limit` is given up: its callers stopped waiting before the loop ended, and none of
  // them heard that it was stored. A disk that doesn't answer at all for another kStopGrace keeps
  // the thread; then that is logged, and the thread left behind. False when something was given up.
  bool Stop(absl::Duration limit = kStopLimit);

  // OK, or why the storage can't be relied upon: the last write failed; the oldest write has been
  // waiting, or what is being done takes, longer than StorageLimits::late; or the verdict of
  // WriteHealth. For readiness.
  absl::Status health() const;
  // The greatest cursor that had been given when the thread began.
  std::int64_t first_cursor() const { return first_cursor_; }
  StorageStats stats() const;

 private:
  using Job = StorageJob;
  struct Shared;
  class Worker;

  template <typename T>
  struct TypedJob final : Job {
    absl::Status Run(Database& database) override {
      absl::StatusOr<T> result = work(database);
      if (!result.ok()) return result.status();
      value = *std::move(result);
      return absl::OkStatus();
    }
    void Announce() override {
      if (announce && status.ok() && value) announce(*value);
    }
    const void* Kind() const override {
      static constexpr char kTag = 0;
      return &kTag;
    }
    StorageWork<T> work;
    std::optional<T> value;
    std::function<void(const T&)> announce;
  };

  template <typename T>
  async::Task<absl::StatusOr<T>> Do(StorageWork<T> work, bool reads, std::size_t bytes,
                                    async::MonoTime deadline,
                                    std::function<void(const T&)> announce) {
    const auto job = std::make_shared<TypedJob<T>>();
    job->work = std::move(work);
    job->reads = reads;
    job->bytes = bytes;
    job->announce = std::move(announce);
    const absl::Status status = co_await Wait(job, deadline);
    if (!status.ok()) co_return status;
    co_return std::move(*job->value);
  }

  async::Task<absl::Status> Wait(std::shared_ptr<Job> job, async::MonoTime deadline);
  absl::Status Admit(const Job& job);

  async::EventLoop& loop_;
  async::Clock& clock_;
  const StorageLimits limits_;
  const std::int64_t first_cursor_;
  const std::shared_ptr<Shared> shared_;
  std::function<void()> interrupt_;
  std::thread thread_;
};

}  // namespace hongyan::storage
