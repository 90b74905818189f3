// What the storage thread does with the jobs it was given.
//
// Contract: Commit() gives every write its status: all in one transaction, each in a savepoint;
//           when that fails as a whole though the connection is sound, each in a transaction of its
//           own.
// Threads:  the storage thread.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "server/storage/database.h"
#include "server/storage/storage_job.h"

namespace hongyan::storage {

class StorageWorker {
 public:
  explicit StorageWorker(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  void Commit(const JobList& jobs);
  void Read(StorageJob& job);
  // Brings the storage back to work if it can be done, and sees whether a write succeeds.
  absl::Status Recover();
  // One small write.
  absl::Status Probe();
  // Recover() after damage: opens the file anew, for another one may stand in its place, and looks
  // through all of it.
  absl::Status FindDamage();
  // The storage is still where its URL says; if not, the connection is left at once.
  absl::Status VerifyPlace();
  // After a commit, once its results are given back.
  void AfterCommit();
  // For when there is time. Waits for nobody. False: it has to be tried again.
  bool TidyUp();
  // `in_time`: everything is brought into its place.
  void Close(bool in_time);

  void NoteFailedProbe() { ++stats_.failed_probes; }
  StorageStats stats() const;

 private:
  // Whether the connection can be used. Opens it again at once after a failure, later only in
  // Recover().
  absl::Status EnsureOpen();
  absl::Status Reopen();
  // False: nothing of it was kept, but it may be tried again.
  bool CommitAsBatch(const JobList& jobs);
  void CommitOne(StorageJob& job);
  void AllFail(const JobList& jobs, const absl::Status& status);

  std::unique_ptr<Database> database_;
  StorageStats stats_;
  bool reopen_failed_ = false;
  absl::Status reopen_problem_;
  bool untidy_ = false;
};

}  // namespace hongyan::storage
