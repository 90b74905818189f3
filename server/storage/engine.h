// One kind of database: what each does in its own way. The SQL that all of them speak is in
// database.h and in the row functions.
//
// Contract: an engine is one connection, open when it is made (engines.h). A COMMIT that answered
//           survives a power cut. Storage that isn't ours, is damaged, or was written by a newer
//           hongyand is refused unchanged; the tables of older versions are brought up to date by
//           Migrate(). Each function but Reopen(), Close() and Verify() may let SOCI's exceptions
//           pass; Explain() tells what they mean.
// Errors:   those of errors.h.
// Threads:  one at a time, but for what interrupter() gives.
// Lifetime: what was prepared on session() ends before Reopen() and Close().
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/storage/event.h"
#include "server/storage/schema.h"

namespace soci {
class session;
class soci_error;
}  // namespace soci

namespace hongyan::storage {

struct EngineOptions {
  absl::Duration busy_timeout = absl::Seconds(5);  // for a lock of another process
  // So many looks in a row, half a second apart, find no file at the path before a new database is
  // begun: five seconds for whoever is moving files.
  int looks_before_new = 10;
};

// What a statement's error means.
struct Failure {
  absl::Status status;
  // The connection can't be trusted any more: what was written last may be on the disk or not.
  bool reopen = false;
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual const Dialect& dialect() const = 0;
  // Where the data is, for people: without credentials.
  virtual const std::string& location() const = 0;
  // Null after a Reopen() that failed.
  virtual soci::session* session() = 0;

  virtual Failure Explain(const soci::soci_error& error) = 0;
  // After some errors a database ends the whole transaction by itself.
  virtual bool InTransaction() = 0;
  // The connection still leads to what storage.url names. Asked before and after each commit, and
  // every second.
  virtual absl::Status Verify() = 0;

  // A witness outside of the database of how far the committed events have come: it tells when the
  // database has lost some, because an old copy was put back. An engine without a witness remembers
  // nothing.
  virtual EventMark Remembered() const { return {}; }
  virtual void Remember(const EventMark& /*mark*/) {}

  // Maintenance, named after its time. An error means that it wasn't done, and is tried again at
  // the next such time.
  virtual absl::Status AfterCommit() { return absl::OkStatus(); }
  virtual absl::Status WhenIdle() { return absl::OkStatus(); }  // waits for nobody
  virtual absl::Status EverySecond() { return absl::OkStatus(); }
  virtual absl::Status BeforeProbe() { return absl::OkStatus(); }  // of a storage that has failed

  // Connects anew after a failure; afterwards all that can be seen is on the disk. UNAVAILABLE or
  // INTERNAL STORAGE_CORRUPT: it isn't sound yet; with a session() it can be used all the same.
  virtual absl::Status Reopen() = 0;
  // Looks through everything. STORAGE_CORRUPT with the first damage.
  virtual absl::Status FindDamage() { return absl::OkStatus(); }

  // What it returns ends waits for locks and long statements, for good. It may be called from any
  // thread, also when the engine is gone.
  virtual std::function<void()> interrupter() const = 0;

  enum class Closing {
    kInOrder,
    kSpoilt,   // the connection can't be trusted
    kHurried,  // whatever can be left to the next one to open it is left
  };
  // Once, at the end.
  virtual void Close(Closing how) = 0;
};

}  // namespace hongyan::storage
