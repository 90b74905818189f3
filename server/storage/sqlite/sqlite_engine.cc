#include "server/storage/sqlite/sqlite_engine.h"

#include <soci/soci.h>

#include <exception>
#include <limits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/errors.h"

namespace hongyan::storage::sqlite {
namespace {

constexpr int kWalFrames = 1000;  // 4 MiB, as SQLite has it

absl::StatusOr<std::string> ReadPath(absl::string_view url) {
  absl::ConsumePrefix(&url, "sqlite:");
  if (url.empty() || absl::StrContains(url, '"')) {
    return base::InvalidField("storage.url", "a path without quotation marks must follow sqlite:",
                              "sqlite: 之后应为不含引号的路径");
  }
  if (absl::StartsWith(url, "//") || absl::StrContains(url, '?')) {
    return base::InvalidField(
        "storage.url",
        "after sqlite: comes the path itself, without two slashes before it and without parameters",
        "sqlite: 之后直接写路径，不加两个斜杠，也不带参数");
  }
  return std::string(url);
}

// While the storage is in use, what stands in its way may pass: the operator puts things right.
absl::Status ToTransient(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kFailedPrecondition) return status;
  absl::string_view detail = status.message();
  absl::ConsumePrefix(&detail, "storage.url: ");
  return Unavailable(std::string(detail));
}

// Runs `work`, with what it throws as its status. `session`: whose errno tells more; null while one
// is being opened.
absl::Status Catch(soci::session* session, absl::FunctionRef<absl::Status()> work) {
  try {
    return work();
  } catch (const soci::soci_error& error) {
    return sqlite::Explain(session, error).status;
  } catch (const std::exception& error) {
    return Unavailable(error.what());
  }
}

}  // namespace

SqliteEngine::SqliteEngine(std::unique_ptr<DatabaseFile> file, EngineOptions options)
    : options_(options), hooks_(std::make_shared<Hooks>()), file_(std::move(file)) {
  hooks_->busy_limit = options_.busy_timeout;
}

absl::StatusOr<std::unique_ptr<Engine>> SqliteEngine::Open(const std::string& url,
                                                           EngineOptions options) {
  const absl::StatusOr<std::string> path = ReadPath(url);
  if (!path.ok()) return path.status();
  absl::StatusOr<std::unique_ptr<DatabaseFile>> file =
      DatabaseFile::Take(*path, options.looks_before_new);
  if (!file.ok()) return file.status();
  auto engine = absl::WrapUnique(new SqliteEngine(*std::move(file), options));
  const absl::Status status = engine->Connect();
  if (!status.ok()) return status;
  return engine;
}

absl::Status SqliteEngine::Check(const std::string& url) {
  const absl::StatusOr<std::string> path = ReadPath(url);
  if (!path.ok()) return path.status();
  return Inspect(ResolvePath(*path)).status();
}

absl::Status SqliteEngine::Connect() {
  const absl::Status status = Catch(nullptr, [this]() -> absl::Status {
    session_ = std::make_unique<soci::session>();
    sqlite::Open(*session_, file_->path(), *hooks_);
    // Before anything is written: it must be the file that is locked.
    const absl::Status place = file_->Verify();
    if (!place.ok()) return place;
    if (HasMoved(*session_)) {
      return Unavailable(absl::StrCat(file_->path(), " was moved while it was opened"));
    }
    MakeDurable(*session_);
    const absl::Status migrated = Migrate(*session_, Migrations(), dialect()).status();
    if (!migrated.ok()) return migrated;
    return file_->NoteCompanions(ReadStamp(*session_));
  });
  wal_limit_ = kWalFrames;
  left_whole_ = false;
  if (!status.ok()) Disconnect();
  return status;
}

absl::Status SqliteEngine::LeaveFile() {
  if (!session_) return absl::OkStatus();
  const absl::Status place = file_->Verify();
  if (place.ok()) {
    Disconnect();
    file_->ForgetCompanions();
    return absl::OkStatus();
  }
  [[maybe_unused]] const absl::Status rolled_back = Catch(session_.get(), [this]() -> absl::Status {
    if (InTransaction()) *session_ << "ROLLBACK";
    return absl::OkStatus();
  });
  // SQLite writes to the file that it has open, wherever that is now. One without a name isn't
  // worth it, and whoever is copying the files away may come to the WAL next.
  const bool overwritten = file_->Overwritten();
  const bool named = file_->HasName() && !overwritten;
  const bool whole = named && Catch(session_.get(), [this] { return CheckpointAtOnce(); }).ok();
  // What is in a WAL without a name ends with the session.
  const bool loses = named && !whole && !file_->WalInPlace();
  if (loses && ++failed_leaves_ < options_.looks_before_new) return place;
  failed_leaves_ = 0;
  left_whole_ = whole;
  base::Log(base::Level::kError, "storage file was moved, removed or replaced",
            {{"file", file_->path()},
             {"problem", place.message()},
             {"now_at", file_->Whereabouts()},
             {"complete", whole ? "yes" : "no"}});
  if (named) file_->SaveForeignWal();
  // The WAL doesn't fit to what is in the file now.
  if (overwritten) SkipCheckpointAtClose(*session_);
  Disconnect();
  return absl::OkStatus();
}

absl::Status SqliteEngine::Reopen() {
  absl::Status status = LeaveFile();
  if (status.ok()) status = file_->FindAgain();
  if (status.ok()) status = Connect();
  if (!status.ok()) return ToTransient(status);
  // A sync that failed may have dropped pages that are still to be seen in memory, and the next
  // sync would call them safe. Writing them to the main file and syncing that is the only proof.
  return Catch(session_.get(), [this]() -> absl::Status {
    const absl::StatusOr<bool> whole = StampAndCheckpoint(sqlite::Checkpoint);
    if (whole.ok() && !*whole) return Unavailable("another process reads the WAL");
    return whole.status();
  });
}

void SqliteEngine::Close(Closing how) {
  if (session_ && how == Closing::kHurried) {
    SkipCheckpointAtClose(*session_);
  } else if (session_) {
    if (how == Closing::kInOrder && Verify().ok()) {
      [[maybe_unused]] const absl::Status done =
          Catch(session_.get(), [this] { return BeforeProbe(); });
    }
    [[maybe_unused]] const absl::Status left = LeaveFile();
  }
  Disconnect();
  file_->LeaveNoOldCompanions(left_whole_);
}

const Dialect& SqliteEngine::dialect() const {
  static const Dialect* const dialect = new Dialect(SqlDialect());
  return *dialect;
}

Failure SqliteEngine::Explain(const soci::soci_error& error) {
  return sqlite::Explain(session_.get(), error);
}

bool SqliteEngine::InTransaction() { return session_ && sqlite::InTransaction(*session_); }

absl::StatusOr<bool> SqliteEngine::StampAndCheckpoint(bool (*checkpoint)(soci::session&)) {
  // The WAL belongs to what the file was before.
  if (file_->Overwritten()) {
    return Unavailable(absl::StrCat(file_->path(), " was overwritten while in use"));
  }
  const auto stamp =
      absl::Uniform<std::int32_t>(random_, 1, std::numeric_limits<std::int32_t>::max());
  file_->ExpectStamp(stamp);
  WriteStamp(*session_, stamp);
  const bool whole = checkpoint(*session_);
  file_->NoteCheckpoint(whole);
  wal_limit_ = whole ? kWalFrames : hooks_->wal_frames + kWalFrames;
  return whole;
}

absl::Status SqliteEngine::CheckpointAtOnce() {
  hooks_->busy_limit = absl::ZeroDuration();
  const absl::Cleanup restore = [this] { hooks_->busy_limit = options_.busy_timeout; };
  const absl::StatusOr<bool> whole = StampAndCheckpoint(sqlite::Checkpoint);
  if (whole.ok() && !*whole) return Unavailable("another process reads");
  return whole.status();
}

absl::Status SqliteEngine::AfterCommit() {
  if (hooks_->wal_frames < wal_limit_) return absl::OkStatus();
  return StampAndCheckpoint(CheckpointPassively).status();
}

absl::Status SqliteEngine::WhenIdle() { return CheckpointAtOnce(); }

absl::Status SqliteEngine::EverySecond() {
  file_->KeepLockFile();
  return absl::OkStatus();
}

// Room in the WAL may be all that is needed.
absl::Status SqliteEngine::BeforeProbe() { return StampAndCheckpoint(sqlite::Checkpoint).status(); }

absl::Status SqliteEngine::FindDamage() {
  const std::string found = FirstDamage(*session_);
  return found.empty() ? absl::OkStatus() : Corrupt(found);
}

std::function<void()> SqliteEngine::interrupter() const {
  return [hooks = hooks_] { hooks->hurry = true; };
}

}  // namespace hongyan::storage::sqlite
