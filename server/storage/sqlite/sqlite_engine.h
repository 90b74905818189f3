// SQLite behind the seam: one file, held by one process.
//
// Contract: as Engine. Verify() says that file, WAL and index are at their paths. When they aren't,
//           Reopen() first brings the WAL into the file that was in use, wherever that is now, and
//           then looks at the path again as DatabaseFile::FindAgain() says. The witness is the lock
//           file.
// Errors:   of Open: INVALID_ARGUMENT - not sqlite:PATH; FAILED_PRECONDITION - not ours, newer,
//           locked, with more than one name, not to be opened; INTERNAL STORAGE_CORRUPT - damaged.
// Bounds:   a lock of another process is waited for `busy_timeout`, then UNAVAILABLE; the WAL is
//           brought in whenever it has grown by 4 MiB, unless another process reads it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/engine.h"
#include "server/storage/sqlite/database_file.h"
#include "server/storage/sqlite/sqlite.h"

namespace hongyan::storage::sqlite {

class SqliteEngine final : public Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const std::string& url,
                                                      EngineOptions options);
  static absl::Status Check(const std::string& url);

  const Dialect& dialect() const override;
  // Absolute, with its links followed.
  const std::string& location() const override { return file_->path(); }
  soci::session* session() override { return session_.get(); }
  Failure Explain(const soci::soci_error& error) override;
  bool InTransaction() override;
  absl::Status Verify() override { return file_->Verify(); }
  EventMark Remembered() const override { return file_->lock().mark(); }
  void Remember(const EventMark& mark) override { file_->lock().Advance(mark); }
  absl::Status AfterCommit() override;
  absl::Status WhenIdle() override;
  absl::Status EverySecond() override;
  absl::Status BeforeProbe() override;
  absl::Status Reopen() override;
  absl::Status FindDamage() override;
  std::function<void()> interrupter() const override;
  void Close(Closing how) override;

 private:
  SqliteEngine(std::unique_ptr<DatabaseFile> file, EngineOptions options);
  absl::Status Connect();
  void Disconnect() { session_.reset(); }
  // Disconnect(), and if the file is no longer at its path, leaves all that it holds in it.
  absl::Status LeaveFile();
  // Whether everything is in the main file now.
  absl::StatusOr<bool> StampAndCheckpoint(bool (*checkpoint)(soci::session&));
  // The same without waiting for readers in other processes.
  absl::Status CheckpointAtOnce();

  const EngineOptions options_;
  const std::shared_ptr<Hooks> hooks_;
  // Outlives the session.
  const std::unique_ptr<DatabaseFile> file_;
  std::unique_ptr<soci::session> session_;
  int failed_leaves_ = 0;
  bool left_whole_ = false;  // what LeaveFile() left elsewhere has all that was in its WAL
  int wal_limit_ = 0;        // frames
  absl::BitGen random_;
};

}  // namespace hongyan::storage::sqlite
