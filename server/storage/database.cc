#include "server/storage/database.h"

#include <soci/soci.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "absl/memory/memory.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/storage/counter_rows.h"
#include "server/storage/engines.h"
#include "server/storage/errors.h"

namespace hongyan::storage {

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& url,
                                                         EngineOptions options) {
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenEngine(url, options);
  if (!engine.ok()) return engine.status();
  auto database = absl::WrapUnique(new Database(*std::move(engine)));
  const absl::Status status = database->NoticeLoss();
  if (!status.ok()) return status;
  return database;
}

Database::~Database() {
  using Closing = Engine::Closing;
  prepared_.clear();
  engine_->Close(hurried_ ? Closing::kHurried : spoilt_ ? Closing::kSpoilt : Closing::kInOrder);
}

absl::Status Database::NoticeLoss() {
  return Guard([this]() -> absl::Status {
    const EventMark found = SelectEventMark(session());
    const EventMark mark = engine_->Remembered();
    cursor_at_open_ = std::max(found.cursor, mark.cursor);
    if (mark.cursor > found.cursor) {
      const std::int64_t lost = std::max<std::int64_t>(1, mark.events - found.events);
      UpdateEventMark(session(), {mark.cursor, found.events + lost});
      // Once it is noted, for what fails before is tried again.
      lost_events_ += lost;
      base::Log(base::Level::kError, "storage lost events",
                {{"file", location()},
                 {"count", lost},
                 {"after_cursor", found.cursor},
                 {"last_cursor", mark.cursor}});
    }
    engine_->Remember(found);
    return absl::OkStatus();
  });
}

absl::Status Database::Guard(absl::FunctionRef<absl::Status()> work) {
  if (spoilt_ || engine_->session() == nullptr) {
    return Unavailable("the connection failed; opening it again");
  }
  try {
    return work();
  } catch (const soci::soci_error& error) {
    Failure failure = engine_->Explain(error);
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
  noted_ = {};
  prepared_.clear();
  absl::Status status = engine_->Reopen();
  const bool connected = engine_->session() != nullptr;
  spoilt_ = !connected;
  // It may be another database: a backup put in its place.
  if (status.ok()) status = NoticeLoss();
  // Where the storage is damaged, what isn't can still be used.
  const bool damaged = base::Has(status, base::Reason::kStorageCorrupt);
  spoilt_ = !connected || (!status.ok() && !damaged);
  return status;
}

absl::Status Database::VerifyPlace() {
  const absl::Status place = engine_->Verify();
  spoilt_ = spoilt_ || !place.ok();
  return place;
}

absl::Status Database::Maintain(absl::Status (Engine::*work)()) {
  const absl::Status status = Guard([&] { return (engine_.get()->*work)(); });
  if (!status.ok()) [[maybe_unused]]
    const absl::Status place = VerifyPlace();
  return status;
}

absl::Status Database::FindDamage() {
  return Guard([this] { return engine_->FindDamage(); });
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
  return Execute(dialect().begin_write);
}

absl::Status Database::Commit() {
  absl::Status status = VerifyPlace();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) return status;
  engine_->Remember(noted_);
  // Where it went into a storage that is elsewhere now, it must not be answered for.
  return VerifyPlace();
}

void Database::Rollback() {
  noted_ = {};
  prepared_.clear();
  if (!spoilt_ && InTransaction()) {
    [[maybe_unused]] const absl::Status status = Execute("ROLLBACK");
  }
}

absl::Status Database::Savepoint() { return Execute("SAVEPOINT job"); }
absl::Status Database::Release() { return Execute("RELEASE SAVEPOINT job"); }
absl::Status Database::RollbackToSavepoint() {
  const absl::Status status = Execute("ROLLBACK TO SAVEPOINT job");
  return status.ok() ? Release() : status;
}

bool Database::InTransaction() { return engine_->session() != nullptr && engine_->InTransaction(); }

absl::Status Database::Probe() {
  const absl::Status status =
      Execute("UPDATE hongyan_counters SET number = number + 1 WHERE name = 'probe'");
  return status.ok() ? VerifyPlace() : status;
}

Snapshot::Snapshot(Database& database) : session_(database.session()) {
  session_ << database.dialect().begin_read;
}

Snapshot::~Snapshot() {
  try {
    session_ << "ROLLBACK";
  } catch (const std::exception&) {
    // The database has ended it by itself, or the connection has failed, which the next statement
    // tells.
  }
}

}  // namespace hongyan::storage
