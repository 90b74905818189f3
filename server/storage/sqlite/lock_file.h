// The small file beside an embedded database: who uses that path, and how far it had come.
//
// Contract: one holder at a time, over all processes; a process that dies lets go of it. It
//           remembers how far the committed events had come, so that events which the database has
//           lost (its WAL deleted, cut or damaged, an old copy put back) are noticed and counted,
//           and their cursors not used again. It is a lock on a name: the file that was locked may
//           be removed, so its holder looks at InPlace() from time to time, and DatabaseFile locks
//           the database's own inode besides.
// Errors:   FAILED_PRECONDITION - another process holds it, or it can't be made.
// Threads:  one.
// Bounds:   56 bytes. It is written after each commit and never synced: what it says is at most too
//           little.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/event.h"

namespace hongyan::storage::sqlite {

class LockFile {
 public:
  static absl::StatusOr<std::unique_ptr<LockFile>> Take(const std::string& path);
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();

  // The name still leads to the file that is locked.
  bool InPlace() const;
  // Makes and locks the file at `path`, unless it is the one that is locked already. Keeps the
  // greatest mark. After an error the old file is still locked.
  absl::Status Renew(const std::string& path);

  // Zeros when it was never set, or can't be read.
  const EventMark& mark() const { return mark_; }
  // Only ever forwards. A failure is not told: the mark is a witness, not a record.
  void Advance(const EventMark& mark);

 private:
  LockFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void Read();
  void Write() const;

  std::string path_;
  int fd_;
  EventMark mark_;
};

}  // namespace hongyan::storage::sqlite
