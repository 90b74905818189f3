#include "server/storage/database.h"

#include <soci/soci.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/counter_rows.h"
#include "server/storage/errors.h"
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
  if (absl::StartsWith(rest, "//") || absl::StrContains(rest, '?')) {
    return base::InvalidField(
        "storage.url",
        "after sqlite: comes the path itself, without two slashes before it and without parameters",
        "sqlite: 之后直接写路径，不加两个斜杠，也不带参数");
  }
  return std::string(rest);
}

// While the storage is in use, what stands in its way may pass: the operator puts things right.
absl::Status Later(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kFailedPrecondition) return status;
  absl::string_view detail = status.message();
  absl::ConsumePrefix(&detail, "storage.url: ");
  return Unavailable(std::string(detail));
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
    return Refused(absl::StrCat("the database was written by a newer hongyand (schema ", version,
                                ", this one knows schemas up to ", newest,
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
    if (!fresh) base::Log(base::Level::kInfo, "storage migrated", {{"schema", version}});
  }
  return version;
}

Database::Database(std::unique_ptr<DatabaseFile> file, DatabaseOptions options)
    : options_(options), hooks_(std::make_shared<sqlite::Hooks>()), file_(std::move(file)) {
  hooks_->busy_limit = options_.busy_timeout;
}

Database::~Database() {
  if (session_ && skip_checkpoint_) {
    sqlite::SkipCheckpointAtClose(*session_);
  } else if (session_) {
    if (!spoilt_ && VerifyPlace().ok()) [[maybe_unused]]
      const absl::Status done = Checkpoint();
    [[maybe_unused]] const absl::Status left = Leave();
  }
  Disconnect();
  file_->LeaveNoOldCompanions(left_whole_);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& url,
                                                         DatabaseOptions options) {
  const absl::StatusOr<std::string> path = PathOf(url);
  if (!path.ok()) return path.status();
  absl::StatusOr<std::unique_ptr<DatabaseFile>> file =
      DatabaseFile::Take(*path, options.looks_before_new);
  if (!file.ok()) return file.status();
  auto database = absl::WrapUnique(new Database(*std::move(file), options));
  absl::Status status = database->Connect();
  if (status.ok()) status = database->NoticeLoss();
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::Check(const std::string& url) {
  const absl::StatusOr<std::string> path = PathOf(url);
  if (!path.ok()) return path.status();
  return sqlite::Inspect(ResolvePath(*path)).status();
}

absl::Status Database::Connect() {
  // A failure here is told as it is, without the connection whose errno it would be.
  try {
    session_ = std::make_unique<soci::session>();
    sqlite::Open(*session_, path(), *hooks_);
    // Before anything is written: it must be the file that is locked.
    absl::Status status = file_->Verify();
    if (status.ok() && sqlite::HasMoved(*session_)) {
      status = Unavailable(absl::StrCat(path(), " was moved while it was opened"));
    }
    if (status.ok()) {
      sqlite::MakeDurable(*session_);
      status = Migrate(*session_, Migrations(), sqlite::SqlDialect()).status();
    }
    if (status.ok()) status = file_->NoteCompanions(sqlite::ReadStamp(*session_));
    wal_limit_ = kWalFrames;
    left_whole_ = false;
    if (!status.ok()) Disconnect();
    spoilt_ = !status.ok();
    return status;
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

absl::Status Database::VerifyPlace() {
  const absl::Status place = file_->Verify();
  spoilt_ = spoilt_ || !place.ok();
  return place;
}

absl::Status Database::Leave() {
  if (!session_) return absl::OkStatus();
  const absl::Status place = file_->Verify();
  if (place.ok()) {
    Disconnect();
    file_->ForgetCompanions();
    return absl::OkStatus();
  }
  prepared_.clear();
  spoilt_ = false;
  Rollback();
  // SQLite writes to the file that it has open, wherever that is now. One without a name isn't worth it, and whoever is
  // copying the files away may come to the WAL next.
  const bool overwritten = file_->Overwritten();
  const bool named = file_->HasName() && !overwritten;
  const bool whole = named && CheckpointAtOnce();
  spoilt_ = true;
  // What is in a WAL without a name ends with the session.
  const bool loses = named && !whole && !file_->WalInPlace();
  if (loses && ++failed_leaves_ < options_.looks_before_new) return place;
  failed_leaves_ = 0;
  left_whole_ = whole;
  base::Log(base::Level::kError, "storage file was moved, removed or replaced",
            {{"file", path()},
             {"problem", place.message()},
             {"now_at", file_->Whereabouts()},
             {"complete", whole ? "yes" : "no"}});
  if (named) file_->SaveForeignWal();
  // The WAL doesn't fit to what is in the file now.
  if (overwritten) sqlite::SkipCheckpointAtClose(*session_);
  Disconnect();
  return absl::OkStatus();
}

absl::Status Database::NoticeLoss() {
  return Guard([this]() -> absl::Status {
    const EventMark found = SelectEventMark(session());
    const EventMark& mark = file_->lock().mark();
    if (mark.cursor > found.cursor) {
      const std::int64_t lost = std::max<std::int64_t>(1, mark.events - found.events);
      UpdateEventMark(session(), {mark.cursor, found.events + lost});
      // Once it is noted, for what fails before is tried again.
      lost_events_ += lost;
      base::Log(base::Level::kError, "storage lost events",
                {{"file", path()},
                 {"count", lost},
                 {"after_cursor", found.cursor},
                 {"last_cursor", mark.cursor}});
    }
    file_->lock().Advance(found);
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
  } catch (const std::bad_alloc& error) {
    prepared_.clear();
    return Unavailable(error.what());
  } catch (const std::exception& error) {
    prepared_.clear();
    return Broken(error.what());
  }
}

absl::Status Database::Reopen() {
  spoilt_ = true;  // if it can't be opened now, it is tried again
  absl::Status status = Leave();
  if (status.ok()) status = file_->FindAgain();
  if (status.ok()) status = Connect();
  if (!status.ok()) return Later(status);
  // A sync that failed may have dropped pages that are still to be seen in memory, and the next sync would call them
  // safe. Writing them to the main file and syncing that is the only proof.
  status = Guard([this]() -> absl::Status {
    if (!StampAndCheckpoint(sqlite::Checkpoint)) {
      return Unavailable("another process reads the WAL");
    }
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

bool Database::NoteDamage(std::int64_t cursor) {
  if (known_damage_.contains(cursor)) return false;
  if (known_damage_.size() < kMaxKnownDamage) known_damage_.insert(cursor);
  ++damaged_;
  return true;
}

absl::Status Database::Begin() {
  noted_ = {};
  static const std::string* const begin = new std::string(sqlite::SqlDialect().begin);
  return Execute(*begin);
}

absl::Status Database::Commit() {
  absl::Status status = VerifyPlace();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) return status;
  file_->lock().Advance(noted_);
  // Where it went into a file that stands here no longer, it must not be answered for.
  return VerifyPlace();
}

void Database::Rollback() {
  noted_ = {};
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
    StampAndCheckpoint(sqlite::Checkpoint);
    return absl::OkStatus();
  });
}

bool Database::StampAndCheckpoint(bool (*checkpoint)(soci::session&)) {
  // The WAL belongs to what the file was before.
  if (file_->Overwritten()) {
    spoilt_ = true;
    return false;
  }
  const auto stamp =
      absl::Uniform<std::int32_t>(random_, 1, std::numeric_limits<std::int32_t>::max());
  file_->ExpectStamp(stamp);
  sqlite::WriteStamp(session(), stamp);
  const bool whole = checkpoint(session());
  file_->NoteCheckpoint(whole);
  wal_limit_ = whole ? kWalFrames : hooks_->wal_frames + kWalFrames;
  return whole;
}

void Database::BoundWal() {
  if (hooks_->wal_frames < wal_limit_) return;
  [[maybe_unused]] const absl::Status status = Guard([this]() -> absl::Status {
    StampAndCheckpoint(sqlite::CheckpointPassively);
    return absl::OkStatus();
  });
}

bool Database::CheckpointAtOnce() {
  hooks_->busy_limit = absl::ZeroDuration();
  const absl::Status status = Guard([this]() -> absl::Status {
    return StampAndCheckpoint(sqlite::Checkpoint) ? absl::OkStatus()
                                                  : Unavailable("another process reads");
  });
  hooks_->busy_limit = options_.busy_timeout;
  return status.ok();
}

absl::Status Database::FindDamage() {
  return Guard([this]() -> absl::Status {
    const std::string found = sqlite::FirstDamage(session());
    return found.empty() ? absl::OkStatus() : Corrupt(found);
  });
}

absl::Status Database::Probe() {
  const absl::Status status =
      Execute("UPDATE hongyan_counters SET number = number + 1 WHERE name = 'probe'");
  return status.ok() ? VerifyPlace() : status;
}

}  // namespace hongyan::storage
