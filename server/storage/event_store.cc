#include "server/storage/event_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/storage/counter_rows.h"
#include "server/storage/errors.h"
#include "server/storage/event_rows.h"

namespace hongyan::storage {
namespace {

bool IsTypeName(const std::string& type) {
  if (type.empty() || type.size() > kMaxEventType) return false;
  for (const char c : type) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

absl::Status Over(const char* field) {
  return base::InvalidField(field, "is empty, too long or ill-formed for the storage",
                            "为空、过长或格式不正确");
}

absl::Status Check(const model::NewEvent& event) {
  if (event.account.empty() || event.account.size() > kMaxAccount) return Over("account");
  if (event.openid.size() > kMaxOpenid) return Over("openid");
  if (!IsTypeName(event.type)) return Over("type");
  if (event.dedup_key.empty() || event.dedup_key.size() > kMaxDedupKey) return Over("dedup_key");
  if (event.body.size() > kMaxEventBody) return Over("body");
  return absl::OkStatus();
}

async::Task<absl::StatusOr<Recorded>> Fail(absl::Status status) { co_return status; }

}  // namespace

async::Task<absl::StatusOr<Recorded>> EventStore::Record(model::NewEvent event,
                                                         async::MonoTime deadline) {
  const absl::Status status = Check(event);
  if (!status.ok()) return Fail(status);
  const std::size_t bytes = sizeof(model::NewEvent) + event.body.size() + event.dedup_key.size();
  CommittedEvent committed{0, event.account, event.openid, event.effect.kind};
  std::function<void(const Recorded&)> announce =
      [this, committed = std::move(committed)](const Recorded& recorded) mutable {
        // A push that failed after its commit is announced when WeChat repeats it. An older one
        // needs no announcement: whoever reads past it has seen it.
        if (!listener_ || (recorded.repeated && recorded.cursor <= announced_)) return;
        announced_ = committed.cursor = recorded.cursor;
        listener_(committed);
      };
  StorageWork<Recorded> work = [event = std::move(event)](Database& database) {
    return InsertEvent(database, event);
  };
  return thread_.Write<Recorded>(std::move(work), bytes, deadline, std::move(announce));
}

async::Task<absl::StatusOr<EventPage>> EventStore::List(EventFilter filter,
                                                        std::int64_t after_cursor, int limit,
                                                        async::MonoTime deadline,
                                                        std::size_t bytes) {
  if (filter.types.size() > kMaxTypes) co_return Over("types");
  for (const std::string& type : filter.types) {
    if (!IsTypeName(type)) co_return Over("types");
  }
  StorageWork<EventPage> work = [filter = std::move(filter), after_cursor, limit,
                                 bytes](Database& database) {
    return SelectEvents(database, filter, after_cursor, limit, bytes);
  };
  auto page = co_await thread_.Read<EventPage>(std::move(work), deadline);
  if (page.ok() && after_cursor > page->last_cursor) {
    co_return CursorUnknown(after_cursor, page->last_cursor);
  }
  co_return page;
}

async::Task<absl::StatusOr<std::int64_t>> EventStore::LastCursor(async::MonoTime deadline) {
  StorageWork<std::int64_t> work = [](Database& database) -> absl::StatusOr<std::int64_t> {
    return SelectEventMark(database.session()).cursor;
  };
  return thread_.Read<std::int64_t>(std::move(work), deadline);
}

async::Task<absl::StatusOr<PruneCounts>> EventStore::Prune(absl::Time now, absl::Duration retention,
                                                           async::MonoTime deadline) {
  PruneCounts all;
  while (true) {
    StorageWork<PruneCounts> work = [now,
                                     retention](Database& database) -> absl::StatusOr<PruneCounts> {
      return DeleteOldEvents(database, now, retention);
    };
    const absl::StatusOr<PruneCounts> batch =
        co_await thread_.Write<PruneCounts>(std::move(work), 0, deadline);
    if (!batch.ok()) {
      const bool ended = batch.status().code() == absl::StatusCode::kDeadlineExceeded ||
                         batch.status().code() == absl::StatusCode::kCancelled;
      if (ended) co_return all;
      co_return batch.status();
    }
    all.events += batch->events;
    all.keys += batch->keys;
    if (batch->events < kPruneBatch && batch->keys < kPruneBatch) co_return all;
  }
}

}  // namespace hongyan::storage
