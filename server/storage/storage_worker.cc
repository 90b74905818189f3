#include "server/storage/storage_worker.h"

#include <string>

#include "server/base/log.h"
#include "server/storage/errors.h"
#include "server/storage/write_health.h"

namespace hongyan::storage {
namespace {

bool Failed(const StorageJob& job) { return IsFailure(job.status); }

}  // namespace

absl::Status StorageWorker::EnsureOpen() {
  if (!database_->spoilt()) return absl::OkStatus();
  return reopen_failed_ ? reopen_problem_ : Reopen();
}

absl::Status StorageWorker::Reopen() {
  absl::Status status = database_->Reopen();
  reopen_failed_ = !status.ok();
  if (status.ok()) {
    ++stats_.reopened;
    base::Log(base::Level::kWarn, "storage opened again", {{"file", database_->location()}});
  } else if (status.message() != reopen_problem_.message()) {
    base::Log(base::Level::kError, "storage can't be opened again", {{"error", status.message()}});
  }
  reopen_problem_ = status;
  return status;
}

absl::Status StorageWorker::VerifyPlace() {
  const absl::Status place = database_->VerifyPlace();
  if (place.ok()) {
    [[maybe_unused]] const absl::Status kept = database_->EverySecond();
  } else {
    [[maybe_unused]] const absl::Status reopened = EnsureOpen();
  }
  return place;
}

StorageStats StorageWorker::stats() const {
  StorageStats stats = stats_;
  stats.damaged = database_->damaged();
  stats.removals = database_->removals();
  stats.lost_events = database_->lost_events();
  return stats;
}

void StorageWorker::AllFail(const JobList& jobs, const absl::Status& status) {
  for (const auto& job : jobs) job->status = status;
}

void StorageWorker::Commit(const JobList& jobs) {
  untidy_ = true;
  const absl::Status usable = EnsureOpen();
  if (!usable.ok()) {
    AllFail(jobs, usable);
  } else if (jobs.size() == 1 || !CommitAsBatch(jobs)) {
    for (const auto& job : jobs) CommitOne(*job);
  }
  for (const auto& job : jobs) ++(Failed(*job) ? stats_.failed : stats_.writes);
}

bool StorageWorker::CommitAsBatch(const JobList& jobs) {
  absl::Status whole = database_->Begin();
  for (const auto& job : jobs) {
    if (!whole.ok()) break;
    whole = database_->Savepoint();
    if (!whole.ok()) break;
    job->status = database_->Guard([&] { return job->Run(*database_); });
    if (job->status.ok()) {
      whole = database_->Release();
    } else if (database_->spoilt() || !database_->InTransaction()) {
      whole = job->status;  // and the neighbours' work is gone with it
    } else {
      whole = database_->RollbackToSavepoint();
    }
  }
  if (whole.ok()) whole = database_->Commit();
  if (whole.ok()) {
    ++stats_.commits;
    return true;
  }
  database_->Rollback();
  // A busy database was waited for already; that isn't done for each of them again.
  if (!database_->spoilt() && whole.code() != absl::StatusCode::kUnavailable) return false;
  AllFail(jobs, whole);
  return true;
}

void StorageWorker::CommitOne(StorageJob& job) {
  job.status = EnsureOpen();
  if (!job.status.ok()) return;
  job.status = database_->Begin();
  if (job.status.ok()) job.status = database_->Guard([&] { return job.Run(*database_); });
  if (job.status.ok()) job.status = database_->Commit();
  if (job.status.ok()) {
    ++stats_.commits;
  } else {
    database_->Rollback();
  }
}

void StorageWorker::Read(StorageJob& job) {
  job.status = EnsureOpen();
  if (job.status.ok()) {
    job.status = database_->Guard([&] { return job.Run(*database_); });
  }
  ++(Failed(job) ? stats_.failed : stats_.reads);
}

absl::Status StorageWorker::Recover() {
  reopen_failed_ = false;
  absl::Status status = EnsureOpen();
  if (status.ok()) status = database_->BeforeProbe();
  if (status.ok()) status = database_->Probe();
  return status;
}

absl::Status StorageWorker::Probe() {
  const absl::Status status = EnsureOpen();
  return status.ok() ? database_->Probe() : status;
}

absl::Status StorageWorker::FindDamage() {
  // What is in memory of the old file says nothing about the present one.
  absl::Status status = Reopen();
  if (status.ok()) status = database_->FindDamage();
  if (status.ok()) status = database_->Probe();
  return status;
}

void StorageWorker::AfterCommit() {
  if (!database_->spoilt()) [[maybe_unused]]
    const absl::Status done = database_->AfterCommit();
}

bool StorageWorker::TidyUp() {
  if (!untidy_ || database_->spoilt()) return true;
  untidy_ = !database_->WhenIdle().ok();
  return !untidy_;
}

void StorageWorker::Close(bool in_time) {
  if (!in_time) database_->HurryClose();
  database_.reset();
}

}  // namespace hongyan::storage
