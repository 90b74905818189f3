// SQLite's settings, its file and its errors.
//
// Contract: with these settings a COMMIT that answered is on the disk: WAL, synchronous=FULL, one
//           connection. A file that isn't ours is told before SQLite may write a byte to it or
//           beside it.
// Threads:  that of the session.
// Source:   https://www.sqlite.org/pragma.html, https://www.sqlite.org/fileformat.html
//           (application_id at byte 68)
#pragma once

#include <soci/soci.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/engine.h"
#include "server/storage/schema.h"

namespace hongyan::storage::sqlite {

inline constexpr std::int32_t kApplicationId = 0x486F6E67;  // "Hong"

Dialect SqlDialect();

enum class FileState { kAbsent, kEmpty, kOurs };
// Looks without changing anything. `path`: with its links followed. FAILED_PRECONDITION: not ours,
// with more than one name, on a network file system, or not to be read; INTERNAL STORAGE_CORRUPT:
// damaged. Not while a session of this process has the file open: see DatabaseFile, Lifetime.
absl::StatusOr<FileState> Inspect(const std::string& path);
// The name of a file system that several machines share, or null. `magic`: f_type of statfs(2).
const char* NetworkFileSystem(std::uint32_t magic);

// What SQLite's callbacks of a session use. Outlives the session.
struct Hooks {
  absl::Duration busy_limit = absl::Seconds(5);  // for locks of other processes
  // From any thread: whatever waits for a lock or runs a long statement gives up.
  std::atomic<bool> hurry{false};
  std::chrono::steady_clock::time_point busy_since;
  int wal_frames = 0;  // after the last commit
};

// Opens for writing; nothing is written to the file yet. Makes an empty one if there is none. Lets
// SOCI's exceptions pass.
void Open(soci::session& session, const std::string& path, Hooks& hooks);
// Sees to it that a COMMIT that answered is on the disk. Lets SOCI's exceptions pass.
void MakeDurable(soci::session& session);
// The file that SQLite has open isn't the one that its path leads to.
bool HasMoved(soci::session& session);
// Closing the session then leaves the WAL as it is, which saves two syncs. The next one to open the
// file brings it in.
void SkipCheckpointAtClose(soci::session& session);
// Brings the WAL into the main file, syncs that, and empties the WAL. Lets SOCI's exceptions pass.
// False when a reader in another process is in the way for longer than Hooks::busy_limit.
bool Checkpoint(soci::session& session);
// The same, but waits for nobody, and leaves the emptied WAL as long as it is.
bool CheckpointPassively(soci::session& session);
// A number in the file's header that SQLite leaves to us (user_version). It is changed before each
// checkpoint, so one that is found in the main file tells which checkpoint that had last. Write and
// Read of a session: let SOCI's exceptions pass.
void WriteStamp(soci::session& session, std::int32_t stamp);
std::int32_t ReadStamp(soci::session& session);
// What the main file itself says; none when it has no whole header.
std::optional<std::int32_t> ReadStamp(int fd);
// What is the matter with the file, in SQLite's words; empty: nothing. Reads all of it.
std::string FirstDamage(soci::session& session);
// SQLite ends the whole transaction by itself after some errors.
bool InTransaction(soci::session& session);

// `session`: whose errno tells more; null while it is being opened.
Failure Explain(soci::session* session, const soci::soci_error& error);

}  // namespace hongyan::storage::sqlite
