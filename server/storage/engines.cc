#include "server/storage/engines.h"

#include "absl/strings/match.h"
#include "server/base/status.h"
#include "server/storage/sqlite/sqlite_engine.h"

namespace hongyan::storage {
namespace {

bool IsSqlite(const std::string& url) { return absl::StartsWith(url, "sqlite:"); }

absl::Status UnknownKind(const std::string& url) {
  const bool later = absl::StartsWith(url, "postgresql://") || absl::StartsWith(url, "mysql://");
  return base::InvalidField(
      "storage.url",
      later ? "this version stores in SQLite only: sqlite:PATH" : "must read sqlite:PATH",
      "storage.url 应为 sqlite:路径");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const std::string& url, EngineOptions options) {
  if (IsSqlite(url)) return sqlite::SqliteEngine::Open(url, options);
  return UnknownKind(url);
}

absl::Status CheckUrl(const std::string& url) {
  if (IsSqlite(url)) return sqlite::SqliteEngine::Check(url);
  return UnknownKind(url);
}

}  // namespace hongyan::storage
