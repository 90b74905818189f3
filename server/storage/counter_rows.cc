#include "server/storage/counter_rows.h"

#include <soci/soci.h>

namespace hongyan::storage {

EventMark SelectEventMark(soci::session& session) {
  long long cursor = 0;
  long long given = 0;
  session << "SELECT number, given FROM hongyan_counters WHERE name = 'event'", soci::into(cursor),
      soci::into(given);
  return {cursor, given};
}

void UpdateEventMark(soci::session& session, const EventMark& mark) {
  const long long cursor = mark.cursor;
  const long long given = mark.events;
  session << "UPDATE hongyan_counters SET number = :cursor, given = :given WHERE name = 'event'",
      soci::use(cursor), soci::use(given);
}

// SOCI refers to what it is given until the statement has run, so a name is a string that lasts.
std::int64_t SelectNumber(soci::session& session, const std::string& name) {
  long long number = 0;
  session << "SELECT number FROM hongyan_counters WHERE name = :name", soci::into(number),
      soci::use(name, "name");
  return number;
}

void UpdateNumber(soci::session& session, const std::string& name, std::int64_t number) {
  const long long value = number;
  session << "UPDATE hongyan_counters SET number = :number WHERE name = :name",
      soci::use(value, "number"), soci::use(name, "name");
}

}  // namespace hongyan::storage
