// Everything about SQLite that other databases don't share.
//
// Contract: with these settings a COMMIT that answered is on the disk: WAL, synchronous=FULL, one connection. A file
//           that isn't ours is told before SQLite may write a byte to it or beside it.
// Threads:  that of the session.
// Source:   https://www.sqlite.org/pragma.html, https://www.sqlite.org/fileformat.html (application_id at byte 68)
#pragma once

#include <soci/soci.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/schema.h"

namespace hongyan::storage::sqlite {

inline constexpr std::int32_t kApplicationId = 0x486F6E67;  // "Hong"

Dialect SqlDialect();

enum class FileState { kAbsent, kEmpty, kOurs };
// Looks without changing anything. FAILED_PRECONDITION: not ours, or not to be read; INTERNAL STORAGE_CORRUPT: damaged.
absl::StatusOr<FileState> Inspect(const std::string& path);

// Opens for writing; makes the file (readable by its owner only) when there is none. Lets SOCI's exceptions pass.
void Open(soci::session& session, const std::string& path, absl::Duration busy_timeout);
// Marks an empty database as ours. Inside the transaction of the first migration.
void Sign(soci::session& session);
// Brings the WAL into the main file, syncs that, and empties the WAL. Lets SOCI's exceptions pass.
// False when a reader in another process is in the way.
bool Checkpoint(soci::session& session);
// What is the matter with the file, in SQLite's words; empty: nothing. Reads all of it.
std::string FirstDamage(soci::session& session);
// SQLite ends the whole transaction by itself after some errors.
bool InTransaction(soci::session& session);

struct Failure {
  absl::Status status;
  // The connection can't be trusted any more: what was written last may be on the disk or not.
  bool reopen = false;
};
Failure Explain(soci::session* session, const soci::soci_error& error);

}  // namespace hongyan::storage::sqlite
