#include "server/storage/event_rows.h"

#include <soci/soci.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/digest.h"
#include "server/base/log.h"
#include "server/storage/counter_rows.h"
#include "server/storage/erasure_rows.h"
#include "server/storage/micros.h"
#include "server/storage/subscriber_rows.h"

namespace hongyan::storage {
namespace {

// How far cursors may be ahead of the clock and still tell the time.
constexpr absl::Duration kCursorAhead = absl::Hours(24);

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
                    << "UPDATE hongyan_counters SET number = CASE WHEN number < :received THEN "
                       ":received ELSE number + 1 END, given = given + 1 WHERE name = 'event'",
                soci::use(row_.receive_time, "received"))),
        read_count_(
            (session.prepare << "SELECT number, given FROM hongyan_counters WHERE name = 'event'",
             soci::into(row_.seq), soci::into(given_))),
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

  // A cursor is one more than the last, but at least the time in microseconds: so it is new even to
  // a database that was put back from an old copy and doesn't know the last.
  Recorded Record(const model::NewEvent& event) {
    row_.account = event.account;
    key_ = event.dedup_key;
    if (FetchOne(find_key_)) return {found_, true};
    row_.create_time = Micros(event.create_time);
    row_.receive_time = Micros(event.receive_time);
    count_.execute(true);
    FetchOne(read_count_);

    model::StoredEvent stored;
    stored.cursor = row_.seq;
    stored.account = event.account;
    stored.openid = row_.openid = event.openid;
    stored.type = row_.type = event.type;
    stored.body = row_.body = event.body;
    row_.format = static_cast<int>(event.format);
    stored.create_time = ToOptionalTime(row_.create_time);
    stored.receive_time = ToTime(row_.receive_time);
    stored.format = event.format;
    row_.checksum = Checksum(stored);
    insert_event_.execute(true);
    insert_key_.execute(true);
    return {row_.seq, false};
  }

  // After Record() has stored one.
  EventMark mark() const { return {row_.seq, given_}; }

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
  long long given_ = 0;
  soci::statement find_key_;
  soci::statement count_;
  soci::statement read_count_;
  soci::statement insert_event_;
  soci::statement insert_key_;
};

// The events of one filter's account, and of `type` unless that is empty.
std::string SelectSome(const EventFilter& filter, const std::string& type) {
  std::string query =
      "SELECT seq, account, openid, event_type, create_time, receive_time, body_format, body, "
      "checksum FROM events WHERE seq > :after";
  if (!filter.account.empty()) absl::StrAppend(&query, " AND account = :account");
  // Its letters were checked.
  if (!type.empty()) absl::StrAppend(&query, " AND event_type = '", type, "'");
  return query;
}

model::StoredEvent FromRow(const EventRow& row) {
  model::StoredEvent event;
  event.cursor = row.seq;
  event.account = row.account;
  event.openid = row.openid;
  event.type = row.type;
  event.create_time = ToOptionalTime(row.create_time);
  event.receive_time = ToTime(row.receive_time);
  event.format = row.format == 1 ? model::BodyFormat::kJson : model::BodyFormat::kXml;
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

std::int64_t Checksum(const model::StoredEvent& event) {
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

absl::StatusOr<Recorded> InsertEvent(Database& database, const model::NewEvent& event) {
  auto& statements = database.Prepared<RecordStatements>();
  const Recorded recorded = statements.Record(event);
  if (recorded.repeated) return recorded;
  const EventMark mark = statements.mark();
  ApplyEffect(database, event.account, event.openid, event.create_time.value_or(event.receive_time),
              event.receive_time, event.effect);
  if (event.effect.kind == model::SubscriberEffect::Kind::kGone && !event.openid.empty()) {
    // All but this one, which tells those who follow the events what they must erase.
    const Erasure erasure{event.account, event.openid, recorded.cursor - 1};
    NoteErasure(database, erasure);
    EraseSomeEvents(database, erasure);
  }
  database.NoteCursor(mark);
  return recorded;
}

std::string EventsQuery(const EventFilter& filter, int rows) {
  std::set<std::string> types(filter.types.begin(), filter.types.end());
  if (types.empty()) types.emplace();
  // One part a type, which the database merges: each is in the order of an index already. With a
  // list of types in one part it would sort them all, or look at every event.
  std::vector<std::string> parts;
  for (const std::string& type : types) parts.push_back(SelectSome(filter, type));
  return absl::StrCat(absl::StrJoin(parts, " UNION ALL "), " ORDER BY seq LIMIT ", rows);
}

namespace {

void ReadPage(Database& database, const EventFilter& filter, long long after, int most,
              std::size_t max_bytes, EventPage& page) {
  EventRow row;
  soci::statement statement(database.session());
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
  statement.alloc();
  statement.prepare(EventsQuery(filter, most + 1));
  statement.define_and_bind();
  statement.execute();
  std::size_t bytes = 0;
  while (statement.fetch()) {
    page.more = static_cast<int>(page.events.size()) == most ||
                (!page.events.empty() && bytes + row.body.size() > max_bytes);
    if (page.more) return;
    bytes += row.body.size();
    page.events.push_back(FromRow(row));
    if (page.events.back().damaged && database.NoteDamage(row.seq)) {
      base::Log(base::Level::kError, "stored event is damaged",
                {{"cursor", std::int64_t{row.seq}}, {"account", row.account}, {"type", row.type}});
    }
  }
}

}  // namespace

absl::StatusOr<EventPage> SelectEvents(Database& database, const EventFilter& filter,
                                       std::int64_t after_cursor, int limit,
                                       std::size_t max_bytes) {
  EventPage page;
  const Snapshot snapshot(database);  // other processes may write
  ReadPage(database, filter, after_cursor, std::clamp(limit, 1, kMaxPage), max_bytes, page);
  page.last_cursor = SelectEventMark(database.session()).cursor;
  // To the end of all cursors ever given: the last events may have been removed.
  page.next_cursor =
      page.more ? page.events.back().cursor : std::max(after_cursor, page.last_cursor);
  return page;
}

// The plus keeps the cursor from being taken for the index to go by.
std::string OldEventsQuery() {
  return absl::StrCat(
      "SELECT seq FROM events WHERE receive_time < :before AND +seq < :cursor ORDER BY "
      "receive_time LIMIT ",
      kPruneBatch);
}

std::string OldKeysQuery() {
  return absl::StrCat(
      "SELECT account, dedup_key FROM event_keys WHERE receive_time < :before AND +seq < :cursor "
      "ORDER BY receive_time LIMIT ",
      kPruneBatch);
}

PruneCounts DeleteOldEvents(Database& database, absl::Time now, absl::Duration retention) {
  soci::session& session = database.session();
  // Cursors tell the time too, and don't go back with the clock: what was received while the clock
  // was behind only looks old. Where they are ahead of the time they tell nothing.
  const bool tells_time = SelectEventMark(session).cursor <= Micros(now + kCursorAhead);
  const auto cursor_before = [&](absl::Time time) {
    return tells_time ? Micros(time) : std::numeric_limits<long long>::max();
  };

  PruneCounts counts;
  const long long events_before = Micros(now - retention);
  const long long events_cursor = cursor_before(now - retention);
  long long cursor = 0;
  soci::statement old_events = (session.prepare << OldEventsQuery(), soci::into(cursor),
                                soci::use(events_before), soci::use(events_cursor));
  counts.events = DeleteEvents(database, old_events, cursor);

  const long long keys_before = Micros(now - kKeyRetention);
  const long long keys_cursor = cursor_before(now - kKeyRetention);
  std::vector<std::string> accounts(kPruneBatch);
  std::vector<std::string> keys(kPruneBatch);
  session << OldKeysQuery(), soci::into(accounts), soci::into(keys), soci::use(keys_before),
      soci::use(keys_cursor);
  if (!keys.empty()) {
    session << "DELETE FROM event_keys WHERE account = :account AND dedup_key = :key",
        soci::use(accounts), soci::use(keys);
  }
  counts.keys = static_cast<std::int64_t>(keys.size());
  return counts;
}

}  // namespace hongyan::storage
