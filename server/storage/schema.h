// The tables, as a list of steps from one version to the next.
//
// Contract: a step is one transaction with the version it leads to; steps are only ever appended.
//           SQL is what SQLite, PostgreSQL and MySQL all speak; where they don't, the step has a
//           placeholder that Dialect fills. Times are microseconds since 1970 (UTC), 0 for none; no
//           column is NULL.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace soci {
class session;
}

namespace hongyan::storage {

struct Dialect {
  std::string key64;      // {key64}: a 64-bit primary key
  std::string long_text;  // {text}: text of up to 1 MiB
  std::string exact;      // {exact}: after a VARCHAR whose case matters
  std::string
      sign;  // marks an empty database as ours, in the transaction of the first step; empty: nothing does
  // Begins a transaction that may write, without waiting for its first write to find that it can't.
  std::string begin_write = "BEGIN";
  // Begins a transaction that only reads: all its statements see the same state.
  std::string begin_read = "BEGIN";
};

struct Migration {
  int version = 0;
  std::vector<std::string> statements;
};

// In the order of their versions, 1, 2, 3 …
const std::vector<Migration>& Migrations();
// `statement` with its placeholders filled.
std::string InDialect(const std::string& statement, const Dialect& dialect);

// Brings `session`'s tables to the last of `migrations`; returns that version. Lets SOCI's
// exceptions pass. FAILED_PRECONDITION: they are newer than that.
absl::StatusOr<int> Migrate(soci::session& session, const std::vector<Migration>& migrations,
                            const Dialect& dialect);

}  // namespace hongyan::storage
