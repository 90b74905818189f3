// The small file beside an embedded database: who uses it, and how far it had come.
//
// Contract: one holder at a time, over all processes; a process that dies lets go of it. It remembers the greatest
//           event cursor that was committed, so that events which the database has lost (its WAL deleted, cut or
//           damaged, an old copy put back) are noticed, and their cursors not used again.
// Errors:   FAILED_PRECONDITION - another process holds it, or it can't be made.
// Threads:  one.
// Bounds:   36 bytes. It is written after each commit and never synced: what it says is at most too little.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace hongyan::storage {

class LockFile {
 public:
  static absl::StatusOr<std::unique_ptr<LockFile>> Take(const std::string& path);
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();

  // 0 when it was never set, or can't be read.
  std::int64_t mark() const { return mark_; }
  // Only ever forwards. A failure is not told: the mark is a witness, not a record.
  void Advance(std::int64_t mark);

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  void Read();

  const int fd_;
  std::int64_t mark_ = 0;
};

}  // namespace hongyan::storage
