#include "server/storage/sqlite.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "server/storage/errors.h"

namespace hongyan::storage::sqlite {
namespace {

constexpr char kMagic[] = "SQLite format 3";  // and its NUL: 16 bytes
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kApplicationIdAt = 68;

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

// What SQLite itself says of a file whose header doesn't name its owner: its newest pages may still be in the WAL.
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

bool Exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

}  // namespace

Dialect SqlDialect() { return {"INTEGER", "TEXT", "", "BEGIN IMMEDIATE"}; }

absl::StatusOr<FileState> Inspect(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) {
      return Refused(absl::StrCat(path, " can't be looked at: ", std::strerror(errno)));
    }
    if (Exists(path + "-wal")) {
      return Damaged(path, "is missing, but its WAL is there");
    }
    const std::size_t slash = path.rfind('/');
    const std::string folder =
        slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      return Refused(absl::StrCat(path, " can't be made in its folder: ", std::strerror(errno)));
    }
    return FileState::kAbsent;
  }
  if (!S_ISREG(info.st_mode)) {
    return Refused(absl::StrCat(path, " is no file; name the database file itself"));
  }
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
  const std::uint32_t id = (std::uint32_t{header[kApplicationIdAt]} << 24) |
                           (std::uint32_t{header[kApplicationIdAt + 1]} << 16) |
                           (std::uint32_t{header[kApplicationIdAt + 2]} << 8) |
                           header[kApplicationIdAt + 3];
  if (id == static_cast<std::uint32_t>(kApplicationId)) return FileState::kOurs;
  if (id != 0) return NotOurs(path);
  return AskSqlite(path);
}

void Open(soci::session& session, const std::string& path, absl::Duration busy_timeout) {
  // The WAL and the index beside it take over the permissions of the file.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  session.open(*soci::factory_sqlite3(), ConnectString(path, false));
  session << absl::StrCat("PRAGMA busy_timeout = ", absl::ToInt64Milliseconds(busy_timeout));
  std::string mode;
  session << "PRAGMA journal_mode = WAL", soci::into(mode);
  session << "PRAGMA synchronous = FULL";
  int synchronous = 0;
  session << "PRAGMA synchronous", soci::into(synchronous);
  if (mode != "wal" || synchronous != 2) {
    throw soci::soci_error("SQLite refuses WAL with full sync on this file system");
  }
}

void Sign(soci::session& session) {
  session << absl::StrCat("PRAGMA application_id = ", kApplicationId);
}

bool Checkpoint(soci::session& session) {
  int busy = 0;
  int frames = 0;
  int moved = 0;
  session << "PRAGMA wal_checkpoint(TRUNCATE)", soci::into(busy), soci::into(frames),
      soci::into(moved);
  return busy == 0;
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
  if (ours == nullptr) return {Unavailable(text)};
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
      return {Unavailable(text)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Corrupt(text)};
    default:
      return {Broken(text)};
  }
}

}  // namespace hongyan::storage::sqlite
