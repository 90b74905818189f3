#include "server/storage/storage_thread.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/errors.h"
#include "server/storage/storage_worker.h"

namespace hongyan::storage {
namespace {

constexpr std::chrono::milliseconds kProbeInterval{500};
constexpr std::chrono::milliseconds kTidyAfter{1000};  // without work
constexpr std::size_t kReadsBetweenCommits = 8;
constexpr int kRestAfterLook = 20;  // times as long as the look took

bool IsDamage(const absl::Status& status) { return base::ReasonOf(status) == "STORAGE_CORRUPT"; }

// Whether it is the storage rather than the request that is at fault.
bool IsStorageFault(const absl::Status& status) {
  const std::string reason = base::ReasonOf(status);
  return reason == "STORAGE_FULL" || reason == "STORAGE_UNAVAILABLE";
}

// Which of the jobs' results tells most. One that was done tells more than those that failed, but for damage: what was
// done may lie beside it.
const absl::Status& Telling(const JobList& jobs) {
  const absl::Status* telling = &jobs.front()->status;
  for (const auto& job : jobs) {
    if (IsDamage(job->status)) return job->status;
    if (job->status.ok()) telling = &job->status;
  }
  return *telling;
}

JobList TakeUpTo(std::size_t most, std::deque<std::shared_ptr<StorageThread::Job>>& from) {
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
  std::optional<std::chrono::steady_clock::time_point> busy_since;
  absl::Status health;
  StorageStats stats;

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
         std::size_t batch)
      : loop_(loop), shared_(std::move(shared)), worker_(std::move(database)), batch_(batch) {}

  void Run() {
    while (true) {
      JobList writes;
      JobList reads;
      {
        std::unique_lock<std::mutex> hold(shared_->mutex);
        const auto something = [this] {
          return !shared_->writes.empty() || !shared_->reads.empty() || shared_->stopping;
        };
        if (healthy_ && tidy_) {
          shared_->wake.wait(hold, something);
        } else {
          shared_->wake.wait_for(hold, healthy_ ? kTidyAfter : kProbeInterval, something);
        }
        writes = TakeUpTo(batch_, shared_->writes);
        reads = TakeUpTo(kReadsBetweenCommits, shared_->reads);
        if (writes.empty() && reads.empty() && shared_->stopping) break;
        shared_->busy_since = std::chrono::steady_clock::now();
      }
      const bool idle = writes.empty() && reads.empty();
      const bool due = std::chrono::steady_clock::now() >= next_probe_;
      if (!healthy_ && (due || (idle && !damaged_))) Recover();
      if (idle && healthy_) {
        worker_.TidyUp();
        tidy_ = true;
      }
      Write(std::move(writes));
      Read(std::move(reads));
      const std::lock_guard<std::mutex> hold(shared_->mutex);
      shared_->busy_since.reset();
    }
    worker_.Close();
  }

 private:
  void Write(JobList jobs) {
    if (jobs.empty()) return;
    tidy_ = false;
    worker_.Commit(jobs);
    const absl::Status& told = Telling(jobs);
    const bool damage = IsDamage(told);
    // Writes that succeed beside the damage don't mend it.
    if (damage || (!damaged_ && (told.ok() || IsStorageFault(told)))) Judge(told);
    damaged_ = damaged_ || damage;
    GiveBack(std::move(jobs));
  }

  void Read(JobList jobs) {
    if (jobs.empty()) return;
    for (const auto& job : jobs) worker_.Read(*job);
    if (!damaged_ && IsStorageFault(jobs.back()->status)) Judge(jobs.back()->status);
    GiveBack(std::move(jobs));
  }

  void Recover() {
    const auto begun = std::chrono::steady_clock::now();
    const absl::Status status = damaged_ ? worker_.LookForDamage() : worker_.Recover();
    const auto ended = std::chrono::steady_clock::now();
    damaged_ = damaged_ && !status.ok();
    if (!status.ok()) worker_.NoteFailedLook();
    Publish();
    Judge(status);
    next_probe_ = ended + kProbeInterval;
    // Looking for damage reads the whole file, and whatever still works waits for it.
    if (damaged_) next_probe_ += kRestAfterLook * (ended - begun);
  }

  void Judge(const absl::Status& status) {
    if (status.ok() != healthy_) {
      base::Log(status.ok() ? base::Level::kInfo : base::Level::kError,
                status.ok() ? "storage works again" : "storage failed",
                {{"error", std::string(status.message())}});
      next_probe_ = std::chrono::steady_clock::now() + kProbeInterval;
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
    loop_.Post([shared = shared_, jobs = std::move(jobs)] {
      for (const auto& job : jobs) {
        --(job->reads ? shared->waiting_reads : shared->waiting_writes);
        shared->waiting_bytes -= job->bytes;
        job->done = true;
        if (job->waiter != nullptr) {
          job->waiter->Cancel();
        } else {
          job->Late();
        }
      }
    });
  }

  async::EventLoop& loop_;
  const std::shared_ptr<Shared> shared_;
  StorageWorker worker_;
  const std::size_t batch_;
  bool healthy_ = true;
  bool damaged_ = false;  // until LookForDamage() finds none; then not healthy either
  bool tidy_ = true;
  std::chrono::steady_clock::time_point next_probe_;
};

StorageThread::StorageThread(async::EventLoop& loop, async::Clock& clock,
                             std::unique_ptr<Database> database, StorageLimits limits)
    : loop_(loop), clock_(clock), limits_(limits), shared_(std::make_shared<Shared>()) {
  shared_->stats.lost_events = database->lost_events();
  auto worker = std::make_unique<Worker>(loop_, shared_, std::move(database),
                                         std::max<std::size_t>(1, limits_.batch));
  thread_ = std::thread([worker = std::move(worker)] { worker->Run(); });
}

StorageThread::~StorageThread() { Stop(); }

void StorageThread::Stop() {
  if (!thread_.joinable()) return;
  shared_->closed = true;
  shared_->HandOver();
  {
    const std::lock_guard<std::mutex> hold(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->wake.notify_one();
  thread_.join();
}

absl::Status StorageThread::health() const {
  const std::lock_guard<std::mutex> hold(shared_->mutex);
  const bool stuck = shared_->busy_since && absl::FromChrono(std::chrono::steady_clock::now() -
                                                             *shared_->busy_since) > limits_.stuck;
  if (stuck && shared_->health.ok())
    return Unavailable("it has been busy for seconds with one round of work");
  return shared_->health;
}

StorageStats StorageThread::stats() const {
  const std::lock_guard<std::mutex> hold(shared_->mutex);
  return shared_->stats;
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
  if (time_came) {
    co_return base::ErrorBuilder(
        absl::StatusCode::kDeadlineExceeded, base::Reason::kStorageUnavailable,
        absl::StrCat("storage.url: too slow, time ran out; ",
                     job->reads ? "nothing was read, allow more time" : "it may still be stored"))
        .Chinese(job->reads ? "存储响应超时，没有读取到内容，请留出更多时间"
                            : "存储响应超时，内容仍可能被写入");
  }
  co_return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                               "cancelled while waiting for the storage; it may still be stored")
      .Chinese("调用已取消");
}

}  // namespace hongyan::storage
