#include "server/storage/event_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/digest.h"
#include "server/storage/erasure_rows.h"
#include "server/storage/micros.h"
#include "server/storage/subscriber_rows.h"

namespace hongyan::storage {
namespace {

struct EventRow {
  long long seq = 0;
  std::string account;
  std::string openid;
  std::string type;
  long long create_time = 0;
  long long receive_time = 0;
  int format = 0;
  std::string body;
  long long checksum = 0;
};

// The four statements of a Record, prepared once a session.
class RecordStatements {
 public:
  explicit RecordStatements(soci::session& session)
      : find_key_(
            (session.prepare
                 << "SELECT seq FROM event_keys WHERE account = :account AND dedup_key = :key",
             soci::into(found_), soci::use(row_.account), soci::use(key_))),
        count_((session.prepare
                << "UPDATE hongyan_counters SET number = number + 1 WHERE name = 'event'")),
        read_count_((session.prepare << "SELECT number FROM hongyan_counters WHERE name = 'event'",
                     soci::into(row_.seq))),
        insert_event_(
            (session.prepare
                 << "INSERT INTO events (seq, account, openid, event_type, create_time, "
                    "receive_time, body_format, body, checksum) VALUES (:seq, :account, :openid, "
                    ":type, :created, :received, :format, :body, :checksum)",
             soci::use(row_.seq), soci::use(row_.account), soci::use(row_.openid),
             soci::use(row_.type), soci::use(row_.create_time), soci::use(row_.receive_time),
             soci::use(row_.format), soci::use(row_.body), soci::use(row_.checksum))),
        insert_key_((session.prepare << "INSERT INTO event_keys (account, dedup_key, seq, "
                                        "receive_time) VALUES (:account, :key, :seq, :received)",
                     soci::use(row_.account), soci::use(key_), soci::use(row_.seq),
                     soci::use(row_.receive_time))) {}

  Recorded Record(const NewEvent& event) {
    row_.account = event.account;
    key_ = event.dedup_key;
    if (FetchOne(find_key_)) return {found_, true};
    count_.execute(true);
    FetchOne(read_count_);

    StoredEvent stored;
    stored.cursor = row_.seq;
    stored.account = event.account;
    stored.openid = row_.openid = event.openid;
    stored.type = row_.type = event.type;
    stored.body = row_.body = event.body;
    row_.create_time = Micros(event.create_time);
    row_.receive_time = Micros(event.receive_time);
    row_.format = static_cast<int>(event.format);
    stored.create_time = OptionalTimeOf(row_.create_time);
    stored.receive_time = TimeOf(row_.receive_time);
    stored.format = event.format;
    row_.checksum = Checksum(stored);
    insert_event_.execute(true);
    insert_key_.execute(true);
    return {row_.seq, false};
  }

 private:
  // A statement that is left standing on its row holds on to the snapshot it read from.
  static bool FetchOne(soci::statement& statement) {
    const bool found = statement.execute(true);
    if (found) statement.fetch();
    return found;
  }

  EventRow row_;
  std::string key_;
  long long found_ = 0;
  soci::statement find_key_;
  soci::statement count_;
  soci::statement read_count_;
  soci::statement insert_event_;
  soci::statement insert_key_;
};

std::string Where(const EventFilter& filter) {
  std::string where = " WHERE seq > :after";
  if (!filter.account.empty()) absl::StrAppend(&where, " AND account = :account");
  return where;
}

// The last row that a page looks at, and whether there are rows after it.
struct Reach {
  long long last = 0;
  bool more = false;
};

Reach ReachOf(soci::session& session, const EventFilter& filter, long long after) {
  // Without types every row fits, so the page itself is the bound.
  if (filter.types.empty()) return {std::numeric_limits<long long>::max(), false};
  long long last = 0;
  long long rows = 0;
  const std::string query =
      absl::StrCat("SELECT COALESCE(MAX(seq), 0), COUNT(*) FROM (SELECT seq FROM events",
                   Where(filter), " ORDER BY seq LIMIT ", kMaxScan, ") looked_at");
  soci::statement statement(session);
  statement.exchange(soci::into(last));
  statement.exchange(soci::into(rows));
  statement.exchange(soci::use(after, "after"));
  if (!filter.account.empty()) statement.exchange(soci::use(filter.account, "account"));
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute(true);
  if (rows == 0) return {after, false};
  return {last, rows == kMaxScan};
}

StoredEvent FromRow(const EventRow& row) {
  StoredEvent event;
  event.cursor = row.seq;
  event.account = row.account;
  event.openid = row.openid;
  event.type = row.type;
  event.create_time = OptionalTimeOf(row.create_time);
  event.receive_time = TimeOf(row.receive_time);
  event.format = row.format == 1 ? BodyFormat::kJson : BodyFormat::kXml;
  event.body = row.body;
  event.damaged = Checksum(event) != row.checksum || row.format < 0 || row.format > 1;
  return event;
}

// By FNV-1a each step is one-to-one in the hash, so one changed byte can't get lost.
void Mix(std::uint64_t& hash, std::int64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
  }
  hash = base::Fnv1a(absl::string_view(bytes, sizeof(bytes)), hash);
}

void Mix(std::uint64_t& hash, const std::string& text) {
  Mix(hash, static_cast<std::int64_t>(text.size()));
  hash = base::Fnv1a(text, hash);
}

}  // namespace

std::int64_t Checksum(const StoredEvent& event) {
  std::uint64_t hash = base::kFnv1aStart;
  Mix(hash, event.cursor);
  Mix(hash, event.account);
  Mix(hash, event.openid);
  Mix(hash, event.type);
  Mix(hash, Micros(event.create_time));
  Mix(hash, Micros(event.receive_time));
  Mix(hash, static_cast<std::int64_t>(event.format));
  Mix(hash, event.body);
  return static_cast<std::int64_t>(hash);
}

absl::StatusOr<Recorded> InsertEvent(Database& database, const NewEvent& event) {
  const Recorded recorded = database.Prepared<RecordStatements>().Record(event);
  if (recorded.repeated) return recorded;
  ApplyEffect(database, event.account, event.openid, event.create_time.value_or(event.receive_time),
              event.receive_time, event.effect);
  if (event.effect.kind == SubscriberEffect::Kind::kGone && !event.openid.empty()) {
    // All but this one, which tells those who follow the events what they must erase.
    const Erasure erasure{event.account, event.openid, recorded.cursor - 1};
    NoteErasure(database, erasure);
    EraseSomeEvents(database, erasure);
  }
  database.NoteCursor(recorded.cursor);
  return recorded;
}

absl::StatusOr<EventPage> SelectEvents(Database& database, const EventFilter& filter,
                                       std::int64_t after_cursor, int limit,
                                       std::size_t max_bytes) {
  soci::session& session = database.session();
  const int most = std::clamp(limit, 1, kMaxPage);
  const Reach reach = ReachOf(session, filter, after_cursor);

  const long long after = after_cursor;
  std::string query = absl::StrCat(
      "SELECT seq, account, openid, event_type, create_time, receive_time, body_format, body, "
      "checksum FROM events",
      Where(filter), " AND seq <= :last");
  if (!filter.types.empty()) {
    // Their letters were checked.
    absl::StrAppend(&query, " AND event_type IN ('", absl::StrJoin(filter.types, "','"), "')");
  }
  absl::StrAppend(&query, " ORDER BY seq LIMIT ", most + 1);

  EventRow row;
  soci::statement statement(session);
  statement.exchange(soci::into(row.seq));
  statement.exchange(soci::into(row.account));
  statement.exchange(soci::into(row.openid));
  statement.exchange(soci::into(row.type));
  statement.exchange(soci::into(row.create_time));
  statement.exchange(soci::into(row.receive_time));
  statement.exchange(soci::into(row.format));
  statement.exchange(soci::into(row.body));
  statement.exchange(soci::into(row.checksum));
  statement.exchange(soci::use(after, "after"));
  if (!filter.account.empty()) statement.exchange(soci::use(filter.account, "account"));
  statement.exchange(soci::use(reach.last, "last"));
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute();

  EventPage page;
  std::size_t bytes = 0;
  while (statement.fetch()) {
    const bool full = static_cast<int>(page.events.size()) == most ||
                      (!page.events.empty() && bytes + row.body.size() > max_bytes);
    if (full) {
      page.next_cursor = page.events.back().cursor;
      page.more = true;
      return page;
    }
    bytes += row.body.size();
    page.events.push_back(FromRow(row));
    if (page.events.back().damaged) database.NoteDamage();
  }
  page.more = reach.more;
  if (reach.more) {
    page.next_cursor = reach.last;
    return page;
  }
  // To the end of all cursors ever given: the last events may have been removed.
  page.next_cursor = std::max(after_cursor, SelectLastCursor(database));
  return page;
}

std::int64_t SelectLastCursor(Database& database) {
  long long last = 0;
  database.session() << "SELECT number FROM hongyan_counters WHERE name = 'event'",
      soci::into(last);
  return last;
}

absl::StatusOr<PruneCounts> DeleteOldEvents(Database& database, absl::Time events_before,
                                            absl::Time keys_before) {
  soci::session& session = database.session();
  PruneCounts counts;
  const long long events_limit = Micros(events_before);
  std::vector<long long> seqs(kPruneBatch);
  session << "SELECT seq FROM events WHERE receive_time < :before ORDER BY receive_time LIMIT "
          << kPruneBatch,
      soci::into(seqs), soci::use(events_limit);
  if (!seqs.empty()) {
    session << "DELETE FROM events WHERE seq = :seq", soci::use(seqs);
    database.NoteRemoval();
  }
  counts.events = static_cast<std::int64_t>(seqs.size());

  const long long keys_limit = Micros(keys_before);
  std::vector<std::string> accounts(kPruneBatch);
  std::vector<std::string> keys(kPruneBatch);
  session << "SELECT account, dedup_key FROM event_keys WHERE receive_time < :before ORDER BY "
             "receive_time LIMIT "
          << kPruneBatch,
      soci::into(accounts), soci::into(keys), soci::use(keys_limit);
  if (!keys.empty()) {
    session << "DELETE FROM event_keys WHERE account = :account AND dedup_key = :key",
        soci::use(accounts), soci::use(keys);
  }
  counts.keys = static_cast<std::int64_t>(keys.size());
  return counts;
}

}  // namespace hongyan::storage
