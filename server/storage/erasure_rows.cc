#include "server/storage/erasure_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <vector>

namespace hongyan::storage {
namespace {

void DeleteNote(Database& database, const Erasure& erasure) {
  database.session() << "DELETE FROM event_erasures WHERE account = :account AND openid = :openid",
      soci::use(erasure.account), soci::use(erasure.openid);
}

}  // namespace

void NoteErasure(Database& database, const Erasure& erasure) {
  long long until = erasure.until;
  if (const auto noted = SelectErasure(database, erasure.account, erasure.openid)) {
    until = std::max<long long>(until, noted->until);
    DeleteNote(database, *noted);
  }
  database.session() << "INSERT INTO event_erasures (account, openid, until_seq) VALUES (:account, "
                        ":openid, :until)",
      soci::use(erasure.account), soci::use(erasure.openid), soci::use(until);
}

std::optional<Erasure> SelectErasure(Database& database, const std::string& account,
                                     const std::string& openid) {
  long long until = 0;
  soci::session& session = database.session();
  session << "SELECT until_seq FROM event_erasures WHERE account = :account AND openid = :openid",
      soci::into(until), soci::use(account), soci::use(openid);
  if (!session.got_data()) return std::nullopt;
  return Erasure{account, openid, until};
}

std::optional<Erasure> SelectErasure(Database& database) {
  Erasure erasure;
  long long until = 0;
  soci::session& session = database.session();
  session << "SELECT account, openid, until_seq FROM event_erasures LIMIT 1",
      soci::into(erasure.account), soci::into(erasure.openid), soci::into(until);
  if (!session.got_data()) return std::nullopt;
  erasure.until = until;
  return erasure;
}

bool HasEvents(Database& database, const std::string& account, const std::string& openid) {
  long long seq = 0;
  soci::session& session = database.session();
  session << "SELECT seq FROM events WHERE account = :account AND openid = :openid LIMIT 1",
      soci::into(seq), soci::use(account), soci::use(openid);
  return session.got_data();
}

// One by one: into a vector SOCI reads a column of SQLite's type INTEGER as 32 bits.
std::int64_t DeleteEvents(Database& database, soci::statement& chosen, const long long& cursor) {
  std::vector<long long> cursors;
  chosen.execute();
  while (chosen.fetch()) cursors.push_back(cursor);
  if (cursors.empty()) return 0;
  long long one = 0;
  soci::statement remove =
      (database.session().prepare << "DELETE FROM events WHERE seq = :seq", soci::use(one));
  for (const long long next : cursors) {
    one = next;
    remove.execute(true);
  }
  database.NoteRemoval();
  return static_cast<std::int64_t>(cursors.size());
}

std::int64_t EraseSomeEvents(Database& database, const Erasure& erasure) {
  const long long until = erasure.until;
  long long cursor = 0;
  soci::statement chosen =
      (database.session().prepare << "SELECT seq FROM events WHERE account = :account AND openid "
                                     "= :openid AND seq <= :until LIMIT "
                                  << kErasureBatch,
       soci::into(cursor), soci::use(erasure.account), soci::use(erasure.openid), soci::use(until));
  const std::int64_t erased = DeleteEvents(database, chosen, cursor);
  if (erased < kErasureBatch) DeleteNote(database, erasure);
  return erased;
}

}  // namespace hongyan::storage
