// The SQL of the events.
//
// Contract: each function is one job or part of one, on the storage thread, inside Database::Guard;
//           writes inside a transaction. They let SOCI's exceptions pass.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/database.h"
#include "server/storage/event.h"

namespace hongyan::storage {

absl::StatusOr<Recorded> InsertEvent(Database& database, const model::NewEvent& event);
absl::StatusOr<EventPage> SelectEvents(Database& database, const EventFilter& filter,
                                       std::int64_t after_cursor, int limit, std::size_t bytes);
// Up to kPruneBatch of each.
PruneCounts DeleteOldEvents(Database& database, absl::Time now, absl::Duration retention);

// The statement of SelectEvents, whose rows it reads one by one, with :after and perhaps :account.
// Each part of it is the beginning of an index.
std::string EventsQuery(const EventFilter& filter, int rows);
// Those of DeleteOldEvents, with :before and :cursor.
std::string OldEventsQuery();
std::string OldKeysQuery();

// Over every field of the row; a single changed byte always changes it.
std::int64_t Checksum(const model::StoredEvent& event);

}  // namespace hongyan::storage
