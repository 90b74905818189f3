#include "server/storage/storage_thread.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/errors.h"
#include "server/storage/storage_worker.h"
#include "server/storage/write_health.h"

namespace hongyan::storage {
namespace {

constexpr std::chrono::milliseconds kProbeInterval{500};
constexpr std::chrono::milliseconds kTidyAfter{1000};  // without work
constexpr std::chrono::seconds kTidyAgain{10};         // while another process reads
constexpr std::chrono::milliseconds kLookEvery{1000};  // at the place of the file
constexpr std::size_t kReadsBetweenCommits = 8;
constexpr int kRestAfterLook = 20;  // times as long as the look took

using Clock = std::chrono::steady_clock;

bool IsDamage(const absl::Status& status) {
  return base::Has(status, base::Reason::kStorageCorrupt);
}

// It is told at once by the storage's own health, and a probe may end that.
bool IsStorageFault(const absl::Status& status) {
  return base::Has(status, base::Reason::kStorageFull) ||
         base::Has(status, base::Reason::kStorageUnavailable);
}

// The result that says most about the storage: damage, else success, else the first failure.
const absl::Status& PickResult(const JobList& jobs) {
  const absl::Status* telling = &jobs.front()->status;
  for (const auto& job : jobs) {
    if (IsDamage(job->status)) return job->status;
    if (job->status.ok()) telling = &job->status;
  }
  return *telling;
}

JobList TakeUpTo(std::size_t most, std::deque<std::shared_ptr<StorageJob>>& from) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(most, from.size()));
  JobList taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

}  // namespace

// Outlives the thread and what it posted.
struct StorageThread::Shared {
  // The loop's.
  std::size_t waiting_writes = 0;
  std::size_t waiting_reads = 0;
  std::size_t waiting_bytes = 0;
  bool closed = false;
  JobList arriving;

  std::mutex mutex;  // guards the rest
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> writes;
  std::deque<std::shared_ptr<Job>> reads;
  bool stopping = false;
  Clock::time_point give_up_at;  // when stopping
  bool gave_up = false;
  bool ended = false;
  bool abandoned = false;  // the loop may be gone
  std::condition_variable end;
  std::optional<Clock::time_point> busy_since;
  std::optional<Clock::time_point> oldest_in_work;  // when the oldest write in work began to wait
  absl::Status health;
  absl::Status verdict;
  StorageStats stats;

  // Under the mutex.
  absl::Duration OldestWrite(Clock::time_point now) const {
    std::optional<Clock::time_point> oldest = oldest_in_work;
    if (!oldest && !writes.empty()) oldest = writes.front()->since;
    return oldest ? absl::FromChrono(now - *oldest) : absl::ZeroDuration();
  }

  void HandOver() {
    {
      const std::lock_guard<std::mutex> hold(mutex);
      for (auto& job : arriving) (job->reads ? reads : writes).push_back(std::move(job));
    }
    arriving.clear();
    wake.notify_one();
  }
};

class StorageThread::Worker {
 public:
  Worker(async::EventLoop& loop, std::shared_ptr<Shared> shared, std::unique_ptr<Database> database,
         const StorageLimits& limits)
      : loop_(loop), shared_(std::move(shared)), worker_(std::move(database)), limits_(limits) {}

  void Run() {
    while (true) {
      JobList writes;
      JobList reads;
      bool stopping = false;
      {
        std::unique_lock<std::mutex> hold(shared_->mutex);
        shared_->wake.wait_for(
            hold, healthy_ && !writes_.slow() ? kTidyAfter : kProbeInterval, [this] {
              return !shared_->writes.empty() || !shared_->reads.empty() || shared_->stopping;
            });
        stopping = shared_->stopping;
        const bool nothing = shared_->writes.empty() && shared_->reads.empty();
        if (stopping && (nothing || Clock::now() >= shared_->give_up_at)) break;
        writes = TakeUpTo(std::max<std::size_t>(1, limits_.batch), shared_->writes);
        reads = TakeUpTo(kReadsBetweenCommits, shared_->reads);
        shared_->busy_since = Clock::now();
        if (!writes.empty()) shared_->oldest_in_work = writes.front()->since;
      }
      if (!stopping) Maintain(writes.empty() && reads.empty());
      Write(std::move(writes));
      Read(std::move(reads));
      const std::lock_guard<std::mutex> hold(shared_->mutex);
      shared_->busy_since.reset();
      shared_->verdict = writes_.Verdict(Clock::now());
    }
    End();
  }

 private:
  void Maintain(bool idle) {
    const bool due = Clock::now() >= next_probe_;
    if (healthy_ && Clock::now() >= next_look_) {
      next_look_ = Clock::now() + kLookEvery;
      if (const absl::Status place = worker_.VerifyPlace(); !place.ok()) return SetHealth(place);
    }
    if (!healthy_ && (due || (idle && !damaged_))) Recover();
    if (!idle || !healthy_) return;
    if (writes_.slow()) ProbeSpeed();
    if (tidy_ || Clock::now() < next_tidy_) return;
    tidy_ = worker_.TidyUp();
    next_tidy_ = tidy_ ? Clock::time_point() : Clock::now() + kTidyAgain;
  }

  void Write(JobList jobs) {
    if (jobs.empty()) return;
    tidy_ = false;
    const bool was_healthy = healthy_;
    worker_.Commit(jobs);
    const absl::Status& told = PickResult(jobs);
    const bool damage = IsDamage(told);
    // Writes that succeed beside the damage don't mend it.
    if (damage || (!damaged_ && (told.ok() || IsStorageFault(told)))) SetHealth(told);
    damaged_ = damaged_ || damage;
    NoteResults(jobs, was_healthy);
    if (told.ok()) {
      const auto now = Clock::now();
      writes_.NoteLate(absl::FromChrono(now - jobs.front()->since) > limits_.late, now);
    }
    GiveBack(std::move(jobs));
    worker_.AfterCommit();
  }

  // One result for each kind: the writes of a kind failed if none of them succeeded.
  // `healthy`: the storage was thought to be when they began.
  void NoteResults(const JobList& jobs, bool healthy) {
    std::map<const void*, const absl::Status*> kinds;
    for (const auto& job : jobs) {
      const absl::Status& status = job->status;
      if (!status.ok() && (!IsFailure(status) || IsDamage(status))) continue;
      // What failed while a probe found all well: its one row says nothing of the disk for this
      // kind.
      if (!healthy && IsStorageFault(status)) continue;
      const absl::Status*& result = kinds[job->Kind()];
      if (result == nullptr || status.ok()) result = &status;
    }
    const auto now = Clock::now();
    for (const auto& [kind, status] : kinds) {
      if (status->ok()) {
        writes_.NoteSuccess(kind);
      } else {
        writes_.NoteFailure(kind, *status, now);
      }
    }
  }

  void Read(JobList jobs) {
    if (jobs.empty()) return;
    for (const auto& job : jobs) {
      worker_.Read(*job);
      if (!damaged_ && IsStorageFault(job->status)) SetHealth(job->status);
    }
    GiveBack(std::move(jobs));
  }

  // A write waits for the transaction before its own, so each may take half of the time.
  void ProbeSpeed() {
    const auto begun = Clock::now();
    const absl::Status status = worker_.Probe();
    const auto ended = Clock::now();
    if (status.ok()) {
      writes_.NoteLate(2 * absl::FromChrono(ended - begun) > limits_.late, ended);
    } else {
      SetHealth(status);
    }
  }

  void End() {
    JobList left;
    bool in_time = true;
    {
      const std::lock_guard<std::mutex> hold(shared_->mutex);
      left = TakeUpTo(shared_->writes.size(), shared_->writes);
      shared_->gave_up = !left.empty();
      in_time = Clock::now() < shared_->give_up_at;
    }
    if (!left.empty()) {
      base::Log(base::Level::kError, "storage stopped before all that waited was stored",
                {{"writes", static_cast<std::int64_t>(left.size())}});
    }
    {
      const std::lock_guard<std::mutex> hold(shared_->mutex);
      for (auto& job : TakeUpTo(shared_->reads.size(), shared_->reads)) {
        left.push_back(std::move(job));
      }
    }
    for (const auto& job : left) job->status = Unavailable("closed; the service is stopping");
    if (!left.empty()) GiveBack(std::move(left));
    worker_.Close(in_time);
    {
      const std::lock_guard<std::mutex> hold(shared_->mutex);
      shared_->ended = true;
    }
    shared_->end.notify_all();
  }

  void Recover() {
    const auto begun = Clock::now();
    const absl::Status status = damaged_ ? worker_.FindDamage() : worker_.Recover();
    const auto ended = Clock::now();
    damaged_ = damaged_ && !status.ok();
    if (!status.ok()) worker_.NoteFailedProbe();
    Publish();
    SetHealth(status);
    next_probe_ = ended + kProbeInterval;
    // Looking for damage reads the whole file, and whatever still works waits for it.
    if (damaged_) next_probe_ += kRestAfterLook * (ended - begun);
  }

  void SetHealth(const absl::Status& status) {
    if (status.ok() != healthy_) {
      base::Log(status.ok() ? base::Level::kInfo : base::Level::kError,
                status.ok() ? "storage works again" : "storage failed",
                {{"error", std::string(status.message())}});
      next_probe_ = Clock::now() + kProbeInterval;
    }
    healthy_ = status.ok();
    const std::lock_guard<std::mutex> hold(shared_->mutex);
    shared_->health = status;
  }

  void Publish() {
    const std::lock_guard<std::mutex> hold(shared_->mutex);
    shared_->stats = worker_.stats();
  }

  void GiveBack(JobList jobs) {
    Publish();
    const std::lock_guard<std::mutex> hold(shared_->mutex);
    shared_->oldest_in_work.reset();
    if (shared_->abandoned) return;
    loop_.Post([shared = shared_, jobs = std::move(jobs)] {
      for (const auto& job : jobs) {
        --(job->reads ? shared->waiting_reads : shared->waiting_writes);
        shared->waiting_bytes -= job->bytes;
        job->done = true;
        job->Announce();
        if (job->waiter != nullptr) job->waiter->Cancel();
      }
    });
  }

  async::EventLoop& loop_;
  const std::shared_ptr<Shared> shared_;
  StorageWorker worker_;
  const StorageLimits limits_;
  WriteHealth writes_;
  bool healthy_ = true;
  bool damaged_ = false;  // until FindDamage() finds none; then not healthy either
  bool tidy_ = true;
  Clock::time_point next_probe_;
  Clock::time_point next_look_;
  Clock::time_point next_tidy_;
};

StorageThread::StorageThread(async::EventLoop& loop, async::Clock& clock,
                             std::unique_ptr<Database> database, StorageLimits limits)
    : loop_(loop),
      clock_(clock),
      limits_(limits),
      first_cursor_(database->cursor_at_open()),
      shared_(std::make_shared<Shared>()) {
  shared_->stats.lost_events = database->lost_events();
  interrupt_ = database->interrupter();
  auto worker = std::make_unique<Worker>(loop_, shared_, std::move(database), limits_);
  thread_ = std::thread([worker = std::move(worker)] { worker->Run(); });
}

StorageThread::~StorageThread() { Stop(); }

bool StorageThread::Stop(absl::Duration limit) {
  if (!thread_.joinable()) return true;
  shared_->closed = true;
  shared_->HandOver();
  const auto give_up_at =
      Clock::now() + absl::ToChronoMilliseconds(std::min(limit, absl::Hours(24)));
  std::unique_lock<std::mutex> hold(shared_->mutex);
  shared_->stopping = true;
  shared_->give_up_at = give_up_at;
  shared_->wake.notify_one();
  const auto ended = [this] { return shared_->ended; };
  if (!shared_->end.wait_until(hold, give_up_at, ended)) {
    interrupt_();
    if (!shared_->end.wait_for(hold, absl::ToChronoMilliseconds(kStopGrace), ended)) {
      shared_->abandoned = true;
      base::Log(base::Level::kError, "storage doesn't end: the disk doesn't answer; left as it is");
      thread_.detach();
      return false;
    }
  }
  hold.unlock();
  thread_.join();
  return !shared_->gave_up;
}

absl::Status StorageThread::health() const {
  const std::lock_guard<std::mutex> hold(shared_->mutex);
  if (!shared_->health.ok()) return shared_->health;
  const auto now = Clock::now();
  if (const absl::Duration oldest = shared_->OldestWrite(now); oldest > limits_.late) {
    return Unavailable(absl::StrCat("a write has been waiting for ",
                                    absl::FormatDuration(absl::Trunc(oldest, absl::Seconds(1)))));
  }
  if (shared_->busy_since && absl::FromChrono(now - *shared_->busy_since) > limits_.late) {
    return Unavailable("it has been busy for seconds with one round of work");
  }
  return shared_->verdict;
}

StorageStats StorageThread::stats() const {
  const std::lock_guard<std::mutex> hold(shared_->mutex);
  StorageStats stats = shared_->stats;
  stats.oldest_write = shared_->OldestWrite(Clock::now());
  return stats;
}

absl::Status StorageThread::Admit(const Job& job) {
  if (shared_->closed) return Unavailable("closed; the service is stopping");
  const bool room = job.reads ? shared_->waiting_reads < limits_.waiting_reads
                              : shared_->waiting_writes < limits_.waiting_writes &&
                                    shared_->waiting_bytes + job.bytes <= limits_.waiting_bytes;
  if (room) return absl::OkStatus();
  return base::ErrorBuilder(absl::StatusCode::kResourceExhausted, base::Reason::kOverloaded,
                            "too much waits for the storage; nothing was stored, try again later")
      .RetryAfter(absl::Seconds(1))
      .Chinese("等待写入存储的请求过多，请稍后重试");
}

async::Task<absl::Status> StorageThread::Wait(std::shared_ptr<Job> job, async::MonoTime deadline) {
  const absl::Status admitted = Admit(*job);
  if (!admitted.ok()) co_return admitted;
  ++(job->reads ? shared_->waiting_reads : shared_->waiting_writes);
  shared_->waiting_bytes += job->bytes;
  job->since = Clock::now();
  shared_->arriving.push_back(job);
  // All that arrives in one turn of the loop wakes the thread once.
  if (shared_->arriving.size() == 1) {
    loop_.AfterReady([shared = shared_] { shared->HandOver(); });
  }
  const std::unique_ptr<async::Alarm> alarm = clock_.NewAlarm();
  job->waiter = alarm.get();
  const bool time_came = co_await alarm->WaitUntil(deadline);
  job->waiter = nullptr;
  if (job->done) co_return job->status;
  if (time_came && job->reads) co_return ReadTooSlow();
  if (time_came) {
    co_return base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded,
                                 base::Reason::kStorageUnavailable,
                                 "storage.url: too slow, time ran out; it may still be stored")
        .Chinese("存储响应超时，内容仍可能被写入");
  }
  co_return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                               "cancelled while waiting for the storage; it may still be stored")
      .Chinese("调用已取消");
}

}  // namespace hongyan::storage
