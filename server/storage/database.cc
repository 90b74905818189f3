#include "server/storage/database.h"

#include <soci/soci.h>

#include <exception>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/errors.h"
#include "server/storage/event_rows.h"
#include "server/storage/sqlite.h"

namespace hongyan::storage {
namespace {

absl::StatusOr<std::string> PathOf(const std::string& url) {
  absl::string_view rest = url;
  if (!absl::ConsumePrefix(&rest, "sqlite:")) {
    const bool later = absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "mysql://");
    return base::InvalidField(
        "storage.url",
        later ? "this version stores in SQLite only: sqlite:PATH" : "must read sqlite:PATH",
        "storage.url 应为 sqlite:路径");
  }
  if (rest.empty() || absl::StrContains(rest, '"')) {
    return base::InvalidField("storage.url", "a path without quotation marks must follow sqlite:",
                              "sqlite: 之后应为不含引号的路径");
  }
  return std::string(rest);
}

bool HasTable(soci::session& session, const std::string& name) {
  std::vector<std::string> names(1000);
  session.get_table_names(), soci::into(names);
  for (const std::string& have : names) {
    if (have == name) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<int> Migrate(soci::session& session, const std::vector<Migration>& migrations,
                            const Dialect& dialect) {
  int version = 0;
  const bool fresh = !HasTable(session, "hongyan_schema");
  if (!fresh) session << "SELECT version FROM hongyan_schema", soci::into(version);
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (version > newest) {
    return Refused(absl::StrCat("was written by a newer hongyand (schema ", version,
                                ", this one knows ", newest,
                                "); nothing was changed. Use that version, or another storage"));
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= version) continue;
    soci::transaction transaction(session);  // rolls back unless committed
    if (version == 0) {
      sqlite::Sign(session);
      session << "CREATE TABLE hongyan_schema (version INTEGER NOT NULL)";
      session << "INSERT INTO hongyan_schema (version) VALUES (0)";
    }
    for (const std::string& statement : migration.statements) {
      session << InDialect(statement, dialect);
    }
    session << "UPDATE hongyan_schema SET version = " << migration.version;
    transaction.commit();
    version = migration.version;
  }
  return version;
}

Database::Database(std::string path, DatabaseOptions options)
    : path_(std::move(path)), options_(options) {}

Database::~Database() {
  if (session_ && !spoilt_) {
    [[maybe_unused]] const absl::Status moved = Checkpoint();
  }
  Disconnect();
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& url,
                                                         DatabaseOptions options) {
  absl::StatusOr<std::string> path = PathOf(url);
  if (!path.ok()) return path.status();
  auto database = absl::WrapUnique(new Database(*std::move(path), options));
  // Looked at twice: a folder that is none of our business gets no lock file either.
  absl::StatusOr<sqlite::FileState> state = sqlite::Inspect(database->path_);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::unique_ptr<LockFile>> lock = LockFile::Take(database->path_ + "-lock");
  if (!lock.ok()) return lock.status();
  database->lock_ = *std::move(lock);
  state = sqlite::Inspect(database->path_);
  if (!state.ok()) return state.status();
  if (*state == sqlite::FileState::kEmpty && database->lock_->mark() > 0) {
    return Corrupt(absl::StrCat(database->path_, " is empty, though it has held ",
                                database->lock_->mark(),
                                " events; nothing was changed. Put a backup in its place, or "
                                "remove it to begin anew"));
  }
  absl::Status status = database->Connect();
  if (status.ok()) status = database->NoticeLoss();
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::Check(const std::string& url) {
  const absl::StatusOr<std::string> path = PathOf(url);
  if (!path.ok()) return path.status();
  return sqlite::Inspect(*path).status();
}

absl::Status Database::Connect() {
  // A failure here is told as it is, without the connection whose errno it would be.
  try {
    session_ = std::make_unique<soci::session>();
    sqlite::Open(*session_, path_, options_.busy_timeout);
    absl::StatusOr<int> version = Migrate(*session_, Migrations(), sqlite::SqlDialect());
    if (!version.ok()) {
      Disconnect();
      return version.status();
    }
    schema_version_ = *version;
    spoilt_ = false;
    return absl::OkStatus();
  } catch (const soci::soci_error& error) {
    const absl::Status status = sqlite::Explain(nullptr, error).status;
    Disconnect();
    return status;
  } catch (const std::exception& error) {
    Disconnect();
    return Unavailable(error.what());
  }
}

void Database::Disconnect() {
  prepared_.clear();
  session_.reset();
}

absl::Status Database::NoticeLoss() {
  return Guard([this]() -> absl::Status {
    const long long last = SelectLastCursor(*this);
    const long long mark = lock_->mark();
    if (mark > last) {
      session() << "UPDATE hongyan_counters SET number = :mark WHERE name = 'event'",
          soci::use(mark);
      // Once it is noted, for what fails before is tried again.
      lost_events_ += mark - last;
      base::Log(base::Level::kError, "storage lost events",
                {{"file", path_},
                 {"first_cursor", std::int64_t{last + 1}},
                 {"last_cursor", std::int64_t{mark}}});
    }
    lock_->Advance(last);
    return absl::OkStatus();
  });
}

absl::Status Database::Guard(absl::FunctionRef<absl::Status()> work) {
  if (spoilt_ || !session_) return Unavailable("the connection failed; opening it again");
  try {
    return work();
  } catch (const soci::soci_error& error) {
    sqlite::Failure failure = sqlite::Explain(session_.get(), error);
    spoilt_ = spoilt_ || failure.reopen;
    prepared_.clear();  // a statement that failed may still be half-way
    return failure.status;
  } catch (const std::exception& error) {
    prepared_.clear();
    return Unavailable(error.what());
  }
}

absl::Status Database::Reopen() {
  Disconnect();
  spoilt_ = true;  // if it can't be opened now, it is tried again
  // Not made anew when it has vanished.
  const absl::StatusOr<sqlite::FileState> state = sqlite::Inspect(path_);
  if (!state.ok()) return state.status();
  if (*state != sqlite::FileState::kOurs) return Unavailable("the database file is gone");
  absl::Status status = Connect();
  if (!status.ok()) return status;
  // A sync that failed may have dropped pages that are still to be seen in memory, and the next sync would call them
  // safe. Writing them to the main file and syncing that is the only proof.
  status = Guard([this]() -> absl::Status {
    if (!sqlite::Checkpoint(session())) return Unavailable("another process reads the WAL");
    return absl::OkStatus();
  });
  // It may be another file: a backup put in its place.
  if (status.ok()) status = NoticeLoss();
  // Where the file is damaged, what isn't can still be used.
  spoilt_ =
      !status.ok() && base::ReasonOf(status) != base::ReasonName(base::Reason::kStorageCorrupt);
  return status;
}

absl::Status Database::Execute(const std::string& sql) {
  return Guard([&]() -> absl::Status {
    session() << sql;
    return absl::OkStatus();
  });
}

absl::Status Database::Begin() {
  noted_ = 0;
  static const std::string* const begin = new std::string(sqlite::SqlDialect().begin);
  return Execute(*begin);
}

absl::Status Database::Commit() {
  const absl::Status status = Execute("COMMIT");
  if (status.ok()) lock_->Advance(noted_);
  return status;
}

void Database::Rollback() {
  noted_ = 0;
  prepared_.clear();
  if (!spoilt_ && session_ && InTransaction()) {
    [[maybe_unused]] const absl::Status status = Execute("ROLLBACK");
  }
}

absl::Status Database::Savepoint() { return Execute("SAVEPOINT job"); }
absl::Status Database::Release() { return Execute("RELEASE SAVEPOINT job"); }
absl::Status Database::RollbackToSavepoint() {
  const absl::Status status = Execute("ROLLBACK TO SAVEPOINT job");
  return status.ok() ? Release() : status;
}

bool Database::InTransaction() { return session_ && sqlite::InTransaction(*session_); }

absl::Status Database::Checkpoint() {
  return Guard([this]() -> absl::Status {
    sqlite::Checkpoint(session());
    return absl::OkStatus();
  });
}

absl::Status Database::FindDamage() {
  return Guard([this]() -> absl::Status {
    const std::string found = sqlite::FirstDamage(session());
    return found.empty() ? absl::OkStatus() : Corrupt(found);
  });
}

absl::Status Database::Probe() {
  return Execute("UPDATE hongyan_counters SET number = number + 1 WHERE name = 'probe'");
}

}  // namespace hongyan::storage
