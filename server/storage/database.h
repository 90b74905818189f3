// One open database, whatever its kind: transactions, prepared statements, and what is noted about
// them.
//
// Contract: a COMMIT counts only when the engine's Verify() was well before and after it. SOCI's
//           exceptions end in Guard(), the only try of the row functions.
// Errors:   of Open: those of OpenEngine(). Later: those of errors.h.
// Threads:  one at a time. Lifetime: the sessions and prepared statements that jobs see end with
//           Reopen().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/engine.h"
#include "server/storage/event.h"

namespace hongyan::storage {

inline constexpr std::size_t kMaxKnownDamage = 10000;

class Database {
 public:
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& url,
                                                        EngineOptions options = {});
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  // Closes the engine: in order, unless HurryClose() was called.
  ~Database();
  void HurryClose() { hurried_ = true; }

  // Runs `work`, turns what SOCI throws into a status, and notes when the connection is spoilt.
  absl::Status Guard(absl::FunctionRef<absl::Status()> work);
  // The connection failed in a way that leaves open what is on the disk. Nothing works until
  // Reopen() did.
  bool spoilt() const { return spoilt_; }
  // As Engine::Reopen(); also notices when events are missing now.
  absl::Status Reopen();
  // Engine::Verify(); if that isn't well, spoilt().
  absl::Status VerifyPlace();
  // As those of Engine.
  absl::Status AfterCommit() { return Maintain(&Engine::AfterCommit); }
  absl::Status WhenIdle() { return Maintain(&Engine::WhenIdle); }
  absl::Status EverySecond() { return Maintain(&Engine::EverySecond); }
  absl::Status BeforeProbe() { return Maintain(&Engine::BeforeProbe); }
  absl::Status FindDamage();
  std::function<void()> interrupter() const { return engine_->interrupter(); }
  const std::string& location() const { return engine_->location(); }

  absl::Status Begin();
  absl::Status Commit();
  void Rollback();
  // Around one job of a transaction that has several.
  absl::Status Savepoint();
  absl::Status Release();
  absl::Status RollbackToSavepoint();
  bool InTransaction();
  // One small write, to see whether there is room and the disk works.
  absl::Status Probe();

  // For row functions, inside Guard().
  soci::session& session() { return *engine_->session(); }
  const Dialect& dialect() const { return engine_->dialect(); }
  // One T(session) for as long as the session lives: for prepared statements.
  template <typename T>
  T& Prepared();
  // An event got a cursor; the last thing a job does. The engine remembers it once the transaction
  // is committed.
  void NoteCursor(const EventMark& mark) {
    if (mark.cursor > noted_.cursor) noted_ = mark;
  }

  // The checksum of the event with this cursor is wrong. Counts it the first time only, and says
  // whether it is that; of more than kMaxKnownDamage every time.
  bool NoteDamage(std::int64_t cursor);
  std::int64_t damaged() const { return damaged_; }
  // Events are removed, if the transaction succeeds.
  void NoteRemoval() { ++removals_; }
  std::int64_t removals() const { return removals_; }
  // The greatest cursor when the storage was opened.
  std::int64_t cursor_at_open() const { return cursor_at_open_; }
  // How many events were found missing whenever the storage was opened.
  std::int64_t lost_events() const { return lost_events_; }

 private:
  explicit Database(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  absl::Status Execute(const std::string& sql);
  absl::Status Maintain(absl::Status (Engine::*work)());
  // Holds what the database has against what the engine remembers.
  absl::Status NoticeLoss();

  const std::unique_ptr<Engine> engine_;
  absl::flat_hash_map<const void*, std::shared_ptr<void>> prepared_;
  bool spoilt_ = false;
  bool hurried_ = false;
  EventMark noted_;
  std::int64_t damaged_ = 0;
  absl::flat_hash_set<std::int64_t> known_damage_;
  std::int64_t removals_ = 0;
  std::int64_t lost_events_ = 0;
  std::int64_t cursor_at_open_ = 0;
};

// While it lives, all that is read is of the same state of the database. For reads, inside Guard().
class Snapshot {
 public:
  explicit Snapshot(Database& database);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

 private:
  soci::session& session_;
};

template <typename T>
T& Database::Prepared() {
  static constexpr char kTag = 0;  // its address tells the types apart
  std::shared_ptr<void>& slot = prepared_[&kTag];
  if (!slot) slot = std::make_shared<T>(session());
  return *static_cast<T*>(slot.get());
}

}  // namespace hongyan::storage
