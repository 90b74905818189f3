// The database file on the disk: that it is ours alone, and that it is still the one at its path.
//
// Contract: two locks are held for as long as this lives. The lock file beside the database holds
//           the path, also while there is no database yet. flock() on the database's own inode
//           holds the file itself: no hard link, no symbolic link, no bind mount and no removed
//           lock file gets around that. Files with more than one name and network file systems are
//           refused: there flock() is a POSIX lock, which would shut out SQLite itself, and the
//           WAL's index can't be shared. What is found at the path later is never believed at once:
//           a file that vanished may be on its way back, and one that appeared may still be
//           written. See FindAgain(). A file that was overwritten in place is told by the stamp in
//           its header, which changes with each checkpoint: with the stamp of the last one, the
//           pages that differ are all in the WAL.
// Errors:   Take: those of SqliteEngine::Open. Verify, FindAgain: UNAVAILABLE, which names the
//           path, or INTERNAL STORAGE_CORRUPT.
// Threads:  one.
// Lifetime: outlives every session on the file: when any descriptor of the file is closed, the
//           kernel drops all POSIX locks that this process has on it, SQLite's too.
// Source:   https://www.sqlite.org/howtocorrupt.html (2.2, 2.5 to 2.7), flock(2), fcntl(2)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/sqlite/file_view.h"
#include "server/storage/sqlite/lock_file.h"

namespace hongyan::storage::sqlite {

// Where `path` leads: absolute, with all symbolic links followed, also where there is no file yet.
// SQLite puts the WAL beside the file that this names, so the lock file stands there too.
std::string ResolvePath(const std::string& path);

class DatabaseFile {
 public:
  // Makes the file when there is none. `looks`: how often in a row FindAgain() must find nothing at
  // the path before it begins a new database.
  static absl::StatusOr<std::unique_ptr<DatabaseFile>> Take(const std::string& path, int looks);
  DatabaseFile(const DatabaseFile&) = delete;
  DatabaseFile& operator=(const DatabaseFile&) = delete;
  ~DatabaseFile();

  // For SQLite to open.
  const std::string& path() const { return path_; }
  LockFile& lock() { return *lock_; }
  const LockFile& lock() const { return *lock_; }

  // Right after a session has read from the file: from now on Verify() looks at the WAL and its
  // index too, and at the stamp. `stamp`: the one that the session sees.
  absl::Status NoteCompanions(std::int32_t stamp);
  // Before `stamp` is written, and after a checkpoint. `whole`: that has brought it into the main
  // file; else it may have.
  void ExpectStamp(std::int32_t stamp);
  void NoteCheckpoint(bool whole);
  // After the session was closed in good order: SQLite has removed them, or the next user of the
  // file will.
  void ForgetCompanions();
  // The path leads to the file that is locked, and the names beside it to the WAL and the index in
  // use.
  absl::Status Verify() const;
  // Makes the lock file again if somebody removed it. The storage works without it meanwhile: the
  // inode is locked.
  void KeepLockFile();
  bool WalInPlace() const;
  // The locked file still has a name somewhere.
  bool HasName() const;
  // Somebody wrote other contents into the locked file.
  bool Overwritten() const;
  // Where the locked file is now, for people.
  std::string Whereabouts() const;

  // SQLite removes a WAL by its name when a session is closed, and believes in it when one is
  // opened, whoever's it is. So one that isn't ours is renamed.
  void SaveForeignWal();
  // At the end, without a session, when the file stands at its path no longer: its WAL and index
  // would be taken for those of whatever stands there next. `whole`: nothing is in the WAL that the
  // file doesn't have. While that isn't so and the file has a name elsewhere, they stay for the day
  // when it is put back.
  void LeaveNoOldCompanions(bool whole);
  // Without a session: finds the file to open next, and locks it. The same file again is taken at
  // once. Another one, or other contents, are taken when two looks in a row have found it
  // unchanged, and when it is ours by its contents. If the file was removed and nothing, or nothing
  // but an empty file, is there `looks` times in a row, a new database is begun; one that was moved
  // and still has a name is waited for. The caller leaves half a second between its looks.
  absl::Status FindAgain();

 private:
  // What has to stay as it is between two looks.
  struct Candidate {
    FileView file;
    FileView wal;
  };

  DatabaseFile(std::string configured, int looks)
      : configured_(std::move(configured)), looks_(looks) {}
  absl::Status LockInode(bool create);
  void TakeAsNew(bool made_here);
  absl::Status FindSame();
  absl::Status FindOther(const FileView& found);
  absl::Status BeginAnew();
  // The WAL and the index of a file that stands here no longer would be taken for those of the next
  // one.
  void RemoveOldCompanions();

  const std::string configured_;
  const int looks_;
  std::string path_;
  std::unique_ptr<LockFile> lock_;
  bool lock_file_failed_ = false;
  int fd_ = -1;
  FileId id_;
  std::optional<FileId> wal_;
  std::optional<FileId> index_;
  std::vector<std::int32_t> stamps_;  // one of these is in the main file; empty: not known yet
  bool made_here_ = false;            // and nothing was written to it yet
  int found_nothing_ = 0;
  std::optional<Candidate> candidate_;
};

}  // namespace hongyan::storage::sqlite
