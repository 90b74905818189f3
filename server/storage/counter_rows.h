// The SQL of the numbers that only grow: cursors, the clock's readings, the probe.
//
// Contract: as event_rows.h, but on the session alone.
#pragma once

#include <cstdint>
#include <string>

#include "server/storage/event.h"

namespace soci {
class session;
}

namespace hongyan::storage {

// How far the events have come.
EventMark SelectEventMark(soci::session& session);
void UpdateEventMark(soci::session& session, const EventMark& mark);

// 0 when it was never set.
std::int64_t SelectNumber(soci::session& session, const std::string& name);
void UpdateNumber(soci::session& session, const std::string& name, std::int64_t number);

}  // namespace hongyan::storage
