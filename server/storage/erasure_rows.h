// The SQL that removes a person's events.
//
// Contract: as event_rows.h. What is to go is noted in the transaction that decides it and removed
//           in small ones after it, so that intake isn't held up however many there are, and
//           nothing is forgotten when the process ends between. The rows go, their cursors are not
//           used again; the keys that tell repeats stay: they are digests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/storage/database.h"

namespace soci {
class statement;
}

namespace hongyan::storage {

// The events of one person up to a cursor.
struct Erasure {
  std::string account;
  std::string openid;
  std::int64_t until = 0;
};

// Adds to what is noted of the person already.
void NoteErasure(Database& database, const Erasure& erasure);
// One that is noted: this person's, or anybody's.
std::optional<Erasure> SelectErasure(Database& database, const std::string& account,
                                     const std::string& openid);
std::optional<Erasure> SelectErasure(Database& database);
bool HasEvents(Database& database, const std::string& account, const std::string& openid);

// Removes the events whose cursors `chosen` yields into `cursor`. How many.
std::int64_t DeleteEvents(Database& database, soci::statement& chosen, const long long& cursor);

// Few people have more events, so that nearly always one transaction does.
inline constexpr int kErasureBatch = 500;
// Removes up to kErasureBatch events, and the note after the last. How many.
std::int64_t EraseSomeEvents(Database& database, const Erasure& erasure);

}  // namespace hongyan::storage
