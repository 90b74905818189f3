#include "server/storage/sqlite/sqlite.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/storage/errors.h"

namespace hongyan::storage::sqlite {
namespace {

// Half of SQLite's own: new events are appended, and what is read again is in the system's cache
// too.
constexpr int kCacheKib = 1024;
constexpr char kMagic[] = "SQLite format 3";  // and its NUL: 16 bytes
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kApplicationIdAt = 68;
constexpr std::size_t kStampAt = 60;
constexpr int kStepsBetweenLooks = 20000;  // of SQLite's virtual machine: some milliseconds

// linux/magic.h has not all of them.
constexpr struct {
  std::uint32_t magic;
  const char* name;
} kNetworkFileSystems[] = {{0x6969, "NFS"},
                           {0x517B, "SMB"},
                           {0xFF534D42, "CIFS"},
                           {0xFE534D42, "SMB"},
                           {0x5346414F, "AFS"}};

std::uint32_t Number(const unsigned char* bytes) {
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
         (std::uint32_t{bytes[2]} << 8) | bytes[3];
}

sqlite_api::sqlite3* Handle(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

std::string ConnectString(const std::string& path, bool readonly) {
  return absl::StrCat("dbname=\"", path, "\"", readonly ? " readonly=true" : "");
}

absl::Status NotOurs(const std::string& path) {
  return Refused(absl::StrCat(path,
                              " belongs to another program; nothing was changed. Name "
                              "another file, or one that does not exist yet"));
}

absl::Status Damaged(const std::string& path, const std::string& what) {
  return Corrupt(absl::StrCat(path, " ", what,
                              "; nothing was changed. Put a backup in its place, or move the file "
                              "away to begin anew"));
}

// What SQLite itself says of a file whose header doesn't name its owner: its newest pages may still
// be in the WAL.
absl::StatusOr<FileState> AskSqlite(const std::string& path) {
  try {
    soci::session session(*soci::factory_sqlite3(), ConnectString(path, true));
    int id = 0;
    int tables = 0;
    session << "PRAGMA application_id", soci::into(id);
    session << "SELECT COUNT(*) FROM sqlite_master", soci::into(tables);
    if (id == kApplicationId) return FileState::kOurs;
    if (id == 0 && tables == 0) return FileState::kEmpty;
    return NotOurs(path);
  } catch (const soci::soci_error& error) {
    Failure failure = Explain(nullptr, error);
    if (failure.status.code() == absl::StatusCode::kInternal) {
      return Damaged(path, "is damaged");
    }
    return Refused(absl::StrCat(path, " can't be read: ", std::string(failure.status.message())));
  }
}

std::string GetFolder(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return whole.lexically_normal().parent_path().string();
}

absl::Status CheckFileSystem(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return absl::OkStatus();  // what is wrong is told later
  const char* const name = NetworkFileSystem(static_cast<std::uint32_t>(info.f_type));
  if (name == nullptr) return absl::OkStatus();
  return Refused(absl::StrCat(path, " is on ", name,
                              ", where SQLite's locks and its WAL don't hold; name a local disk"));
}

// SQLite's own waits can't be broken off.
int WaitForLock(void* data, int waits) {
  auto& hooks = *static_cast<Hooks*>(data);
  const auto now = std::chrono::steady_clock::now();
  if (waits == 0) hooks.busy_since = now;
  if (hooks.hurry || absl::FromChrono(now - hooks.busy_since) >= hooks.busy_limit) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min(1 << std::min(waits, 6), 50)));
  return 1;
}

int GiveUpInAHurry(void* data) { return static_cast<Hooks*>(data)->hurry ? 1 : 0; }

// In the place of SQLite's own, which would checkpoint by itself.
int NoteWalFrames(void* data, sqlite_api::sqlite3*, const char*, int frames) {
  static_cast<Hooks*>(data)->wal_frames = frames;
  return SQLITE_OK;
}

bool Exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

}  // namespace

Dialect SqlDialect() {
  Dialect dialect;
  dialect.key64 = "INTEGER";
  dialect.long_text = "TEXT";
  dialect.sign = absl::StrCat("PRAGMA application_id = ", kApplicationId);
  dialect.begin_write = "BEGIN IMMEDIATE";
  dialect.begin_read = "BEGIN";
  return dialect;
}

absl::StatusOr<FileState> Inspect(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) {
      return Refused(absl::StrCat(path, " can't be looked at: ", std::strerror(errno)));
    }
    if (Exists(path + "-wal")) {
      return Corrupt(
          absl::StrCat(path, " is missing, but its WAL is there: ", path,
                       "-wal; nothing was changed. Put the file that it belongs to back, "
                       "or move the WAL away to begin anew"));
    }
    const std::string folder = GetFolder(path);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      return Refused(
          absl::StrCat(path, " can't be made in the folder ", folder, ": ", std::strerror(errno)));
    }
    const absl::Status local = CheckFileSystem(folder);
    if (!local.ok()) return local;
    return FileState::kAbsent;
  }
  if (!S_ISREG(info.st_mode)) {
    return Refused(absl::StrCat(path, " is no file; name the database file itself"));
  }
  if (info.st_nlink > 1) {
    return Refused(absl::StrCat(path, " has ", info.st_nlink,
                                " names (hard links); keep one of them, or copy the file: SQLite "
                                "loses data when a file is used under two names"));
  }
  const absl::Status local = CheckFileSystem(path);
  if (!local.ok()) return local;
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    return Refused(absl::StrCat(path, " can't be read and written: ", std::strerror(errno)));
  }
  if (info.st_size == 0) {
    if (Exists(path + "-wal")) return Damaged(path, "is empty, but its WAL is not");
    return FileState::kEmpty;
  }

  unsigned char header[kHeaderSize] = {};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : ::pread(fd, header, sizeof(header), 0);
  if (fd >= 0) ::close(fd);
  if (got < 0) return Refused(absl::StrCat(path, " can't be read: ", std::strerror(errno)));
  if (std::memcmp(header, kMagic, sizeof(kMagic)) != 0) {
    // Its WAL or a header of nothing but zeros say that it was a database once.
    bool zeros = true;
    for (const unsigned char byte : header) zeros = zeros && byte == 0;
    if (zeros || Exists(path + "-wal")) return Damaged(path, "has lost its header");
    return Refused(absl::StrCat(path,
                                " is no SQLite database, or its header is destroyed; nothing "
                                "was changed. Name another file, or put a backup in its place"));
  }
  const std::uint32_t id = Number(header + kApplicationIdAt);
  if (id == static_cast<std::uint32_t>(kApplicationId)) return FileState::kOurs;
  if (id != 0) return NotOurs(path);
  return AskSqlite(path);
}

const char* NetworkFileSystem(std::uint32_t magic) {
  for (const auto& system : kNetworkFileSystems) {
    if (system.magic == magic) return system.name;
  }
  return nullptr;
}

void Open(soci::session& session, const std::string& path, Hooks& hooks) {
  session.open(*soci::factory_sqlite3(), ConnectString(path, false));
  session << absl::StrCat("PRAGMA cache_size = -", kCacheKib);
  sqlite_api::sqlite3_busy_handler(Handle(session), WaitForLock, &hooks);
  sqlite_api::sqlite3_progress_handler(Handle(session), kStepsBetweenLooks, GiveUpInAHurry, &hooks);
  sqlite_api::sqlite3_wal_hook(Handle(session), NoteWalFrames, &hooks);
}

void MakeDurable(soci::session& session) {
  std::string mode;
  session << "PRAGMA journal_mode = WAL", soci::into(mode);
  session << "PRAGMA synchronous = FULL";
  int synchronous = 0;
  session << "PRAGMA synchronous", soci::into(synchronous);
  if (mode != "wal" || synchronous != 2) {
    throw soci::soci_error("SQLite refuses WAL with full sync on this file system");
  }
}

bool HasMoved(soci::session& session) {
  int moved = 0;
  sqlite_api::sqlite3_file_control(Handle(session), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void SkipCheckpointAtClose(soci::session& session) {
  sqlite_api::sqlite3_db_config(Handle(session), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool Checkpoint(soci::session& session) {
  int busy = 0;
  int frames = 0;
  int moved = 0;
  session << "PRAGMA wal_checkpoint(TRUNCATE)", soci::into(busy), soci::into(frames),
      soci::into(moved);
  return busy == 0;
}

bool CheckpointPassively(soci::session& session) {
  int busy = 0;
  int frames = 0;
  int moved = 0;
  session << "PRAGMA wal_checkpoint(PASSIVE)", soci::into(busy), soci::into(frames),
      soci::into(moved);
  return busy == 0 && frames == moved;
}

void WriteStamp(soci::session& session, std::int32_t stamp) {
  session << absl::StrCat("PRAGMA user_version = ", stamp);
}

std::int32_t ReadStamp(soci::session& session) {
  int stamp = 0;
  session << "PRAGMA user_version", soci::into(stamp);
  return stamp;
}

std::optional<std::int32_t> ReadStamp(int fd) {
  unsigned char header[kHeaderSize];
  if (::pread(fd, header, sizeof(header), 0) != static_cast<ssize_t>(sizeof(header))) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(Number(header + kStampAt));
}

std::string FirstDamage(soci::session& session) {
  std::string found;
  session << "PRAGMA integrity_check(1)", soci::into(found);
  return found == "ok" ? "" : found;
}

bool InTransaction(soci::session& session) {
  return sqlite_api::sqlite3_get_autocommit(Handle(session)) == 0;
}

Failure Explain(soci::session* session, const soci::soci_error& error) {
  const std::string text = error.get_error_message();
  const auto* ours = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  // SOCI's own: a NULL or a value of another type in a column of ours.
  if (ours == nullptr) return {session == nullptr ? Unavailable(text) : Broken(text)};
  switch (ours->result() & 0xff) {
    case SQLITE_FULL:
      return {Full(text)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Unavailable("locked by another process; end what else uses the file")};
    case SQLITE_IOERR:
      // No room for the WAL's index, or at a sync, comes as an input/output error.
      if (session != nullptr && sqlite_api::sqlite3_system_errno(Handle(*session)) == ENOSPC) {
        return {Full(text), true};
      }
      return {Unavailable(text), true};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
      return {Unavailable(text), true};
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      return {Unavailable(text)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Corrupt(text)};
    default:
      return {Broken(text)};
  }
}

}  // namespace hongyan::storage::sqlite
