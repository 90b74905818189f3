// The tables, as a list of steps from one version to the next.
//
// Contract: a step is one transaction with the version it leads to; steps are only ever appended. SQL is what SQLite,
//           PostgreSQL and MySQL all speak; where they don't, the step has a placeholder that Dialect fills.
//           Times are microseconds since 1970 (UTC), 0 for none; no column is NULL.
#pragma once

#include <string>
#include <vector>

namespace hongyan::storage {

struct Dialect {
  std::string key64;      // {key64}: a 64-bit primary key
  std::string long_text;  // {text}: text of up to 1 MiB
  std::string exact;      // {exact}: after a VARCHAR whose case matters
  // The statement that begins a transaction which may write, without waiting for its first write to find that it can't.
  std::string begin = "BEGIN";
};

struct Migration {
  int version = 0;
  std::vector<std::string> statements;
};

// In the order of their versions, 1, 2, 3 …
const std::vector<Migration>& Migrations();
// `statement` with its placeholders filled.
std::string InDialect(const std::string& statement, const Dialect& dialect);

}  // namespace hongyan::storage
