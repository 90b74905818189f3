// One open database: ours, of our version, with transactions that survive a power cut once they were committed.
//
// Contract: Open() looks before it touches: another program's file, a damaged one, or the schema of a newer hongyand is
//           refused unchanged. Older schemas are brought up to date, one transaction a step. SOCI's exceptions end in
//           Guard(), the only try of the row functions.
//           A COMMIT counts only when file and WAL were at their paths before and after it; when they weren't, Reopen()
//           first brings the WAL into the file that was in use, wherever that is now, and then looks at the path again
//           as DatabaseFile::FindAgain() says.
// Errors:   of Open: INVALID_ARGUMENT - no such kind of URL; FAILED_PRECONDITION - not ours, newer, locked, with more
//           than one name, not to be opened; INTERNAL STORAGE_CORRUPT - damaged. Later: those of errors.h.
// Threads:  one at a time. Lifetime: the sessions and prepared statements that jobs see end with Reopen().
// Bounds:   a lock of another process is waited for `busy_timeout`, then UNAVAILABLE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/database_file.h"
#include "server/storage/event.h"
#include "server/storage/schema.h"

namespace soci {
class session;
}

namespace hongyan::storage {

inline constexpr std::size_t kMaxKnownDamage = 10000;

namespace sqlite {
struct Hooks;
}

inline constexpr int kWalFrames = 1000;  // 4 MiB, as SQLite has it

struct DatabaseOptions {
  absl::Duration busy_timeout = absl::Seconds(5);
  // So many looks in a row, half a second apart, find no file at the path before a new database is begun: five seconds
  // for whoever is moving files.
  int looks_before_new = 10;
};

class Database {
 public:
  // `url`: sqlite:PATH.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& url,
                                                        DatabaseOptions options = {});
  // Whether Open() would refuse this at sight; changes nothing, and may be called while another process has it open.
  static absl::Status Check(const std::string& url);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  // Brings everything into the main file.
  ~Database();

  // Runs `work`, turns what SOCI throws into a status, and notes when the connection is spoilt.
  absl::Status Guard(absl::FunctionRef<absl::Status()> work);
  // The connection failed in a way that leaves open what is on the disk. Nothing works until Reopen() did.
  bool spoilt() const { return spoilt_; }
  // Closes and opens again, and makes sure that what is seen from now on is on the disk. UNAVAILABLE, INTERNAL
  // STORAGE_CORRUPT: it can't be used yet.
  absl::Status Reopen();
  // File, WAL and index are still at their paths; if not, spoilt().
  absl::Status VerifyPlace();
  // DatabaseFile::KeepLockFile().
  void KeepLockFile() { file_->KeepLockFile(); }
  // From any thread, while this lives: ends waits for locks of other processes and long statements. For good.
  std::shared_ptr<sqlite::Hooks> hooks() const { return hooks_; }
  // The destructor then leaves the WAL to whoever opens the file next.
  void SkipCheckpointAtClose() { skip_checkpoint_ = true; }

  absl::Status Begin();
  absl::Status Commit();
  void Rollback();
  // Around one job of a transaction that has several.
  absl::Status Savepoint();
  absl::Status Release();
  absl::Status RollbackToSavepoint();
  bool InTransaction();

  // Brings the WAL into the main file. Not being able to now is no error.
  absl::Status Checkpoint();
  // The same without waiting for readers in other processes. True when everything is in the main file.
  bool CheckpointAtOnce();
  // The same, once the WAL has grown to kWalFrames more than a checkpoint left in it. For after a commit.
  void BoundWal();
  // Looks through the whole file. STORAGE_CORRUPT with the first damage.
  absl::Status FindDamage();
  // One small write, to see whether there is room and the disk works.
  absl::Status Probe();

  // For row functions, inside Guard().
  soci::session& session() { return *session_; }
  // One T(session) for as long as the session lives: for prepared statements.
  template <typename T>
  T& Prepared();
  // An event got a cursor; the last thing a job does. Known to the lock file once the transaction is committed.
  void NoteCursor(const EventMark& mark) {
    if (mark.cursor > noted_.cursor) noted_ = mark;
  }

  // The checksum of the event with this cursor is wrong. Counts it the first time only, and says whether it is that; of
  // more than kMaxKnownDamage every time.
  bool NoteDamage(std::int64_t cursor);
  std::int64_t damaged() const { return damaged_; }
  // Events are removed, if the transaction succeeds.
  void NoteRemoval() { ++removals_; }
  std::int64_t removals() const { return removals_; }

  // How many events were found missing whenever the storage was opened, as the lock file tells.
  std::int64_t lost_events() const { return lost_events_; }
  // Absolute, with its links followed.
  const std::string& path() const { return file_->path(); }

 private:
  Database(std::unique_ptr<DatabaseFile> file, DatabaseOptions options);
  absl::Status Connect();
  void Disconnect();
  // Disconnect(), and if the file is no longer at its path, leaves all that it holds in it.
  absl::Status Leave();
  absl::Status Execute(const std::string& sql);
  bool StampAndCheckpoint(bool (*checkpoint)(soci::session&));
  absl::Status NoticeLoss();

  const DatabaseOptions options_;
  const std::shared_ptr<sqlite::Hooks> hooks_;
  // Outlives the session.
  const std::unique_ptr<DatabaseFile> file_;
  std::unique_ptr<soci::session> session_;
  absl::flat_hash_map<const void*, std::shared_ptr<void>> prepared_;
  bool spoilt_ = false;
  bool skip_checkpoint_ = false;
  int failed_leaves_ = 0;
  bool left_whole_ = false;  // what Leave() left elsewhere has all that was in its WAL
  EventMark noted_;
  int wal_limit_ = 0;  // frames
  absl::BitGen random_;
  std::int64_t damaged_ = 0;
  absl::flat_hash_set<std::int64_t> known_damage_;
  std::int64_t removals_ = 0;
  std::int64_t lost_events_ = 0;
};

// Brings `session`'s tables to the last of `migrations`; returns that version. Lets SOCI's exceptions pass.
// FAILED_PRECONDITION: they are newer than that.
absl::StatusOr<int> Migrate(soci::session& session, const std::vector<Migration>& migrations,
                            const Dialect& dialect);

template <typename T>
T& Database::Prepared() {
  static constexpr char kTag = 0;  // its address tells the types apart
  std::shared_ptr<void>& slot = prepared_[&kTag];
  if (!slot) slot = std::make_shared<T>(session());
  return *static_cast<T*>(slot.get());
}

}  // namespace hongyan::storage
