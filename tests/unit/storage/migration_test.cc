// Databases that earlier versions made: tests/data/storage.
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "server/storage/event_rows.h"
#include "server/storage/sqlite/sqlite.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class MigrationTest : public StorageTest {
 protected:
  // path_ as schema 4 left it, and what SQLite's own program said of it then.
  MigrationTest() {
    const std::string made = std::string(HONGYAN_TEST_DATABASES) + "/schema_4";
    std::filesystem::copy(made + ".db", path_);
    std::filesystem::copy(made + ".db-lock", path_ + "-lock");
    truth_ = folder_ + "/truth.db";
    EXPECT_EQ(std::system(("sqlite3 -batch '" + truth_ + "' < '" + made + ".sql'").c_str()), 0);
  }
  std::string Truth(const std::string& sql) { return Sqlite(truth_, sql); }
  std::vector<std::string> Lines(const std::string& text) {
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

  std::string truth_;
};

TEST_F(MigrationTest, D11_EveryRowOfSchema4IsKept) {
  Open();
  Close();
  EXPECT_EQ(Sql("SELECT version FROM hongyan_schema"), absl::StrCat(Migrations().back().version));
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(Truth("SELECT COUNT(*) FROM events"), "45");
  for (const std::string table :
       {"events", "event_keys", "event_erasures", "subscribers", "subscriber_syncs"}) {
    const std::string columns =
        Truth("SELECT group_concat(name) FROM pragma_table_info('" + table + "')");
    ASSERT_NE(columns, "");
    const std::string rows = "SELECT " + columns + " FROM " + table + " ORDER BY " + columns;
    EXPECT_EQ(Sql(rows), Truth(rows)) << table;
  }
  EXPECT_EQ(Sql("SELECT number, given FROM hongyan_counters WHERE name = 'event'"), "50|50");
}

TEST_F(MigrationTest, D11_EverythingOfSchema4IsReadBack) {
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 0);
  std::vector<std::string> read;
  std::int64_t after = 0;
  bool more = true;
  while (more) {
    const auto page = List({}, after, 7);
    ASSERT_THAT(page, IsOk());
    for (const model::StoredEvent& event : page->events) {
      EXPECT_FALSE(event.damaged) << event.cursor;
      read.push_back(absl::StrCat(event.cursor, "|", event.account, "|", event.openid, "|",
                                  event.type, "|", absl::ToUnixMicros(event.receive_time), "|",
                                  event.body.size()));
    }
    after = page->next_cursor;
    more = page->more;
  }
  EXPECT_EQ(after, 50);
  EXPECT_EQ(read, Lines(Truth("SELECT seq, account, openid, event_type, receive_time, "
                              "length(CAST(body AS BLOB)) FROM events ORDER BY seq")));
  for (const std::string& type : Lines(Truth("SELECT DISTINCT event_type FROM events"))) {
    for (const std::string account : {"", "main", "shop"}) {
      const auto page = List({account, {type}}, 0);
      ASSERT_THAT(page, IsOk());
      EXPECT_EQ(absl::StrCat(page->events.size()),
                Truth("SELECT COUNT(*) FROM events WHERE event_type = '" + type + "' AND '" +
                      account + "' IN ('', account)"));
    }
  }
  for (const std::string& who : Lines(Truth("SELECT account, openid, subscribed, unionid, remark, "
                                            "tag_ids FROM subscribers"))) {
    const std::vector<std::string> fields = absl::StrSplit(who, '|');
    const auto row = Await(subscribers_->Get(fields[0], fields[1], Later()));
    ASSERT_THAT(row, IsOk()) << who;
    EXPECT_EQ(row->subscribed, fields[2] == "1") << who;
    EXPECT_EQ(row->profile.unionid, fields[3]);
    EXPECT_EQ(row->profile.remark, fields[4]);
    EXPECT_EQ(row->profile.tag_ids.empty(), fields[5].empty());
  }
  const auto done = Await(subscribers_->GetSync("main", Later()));
  ASSERT_THAT(done, IsOk());
  EXPECT_TRUE(done->finish_time);
  const auto broken_off = Await(subscribers_->GetSync("shop", Later()));
  ASSERT_THAT(broken_off, IsOk());
  EXPECT_FALSE(broken_off->finish_time);
  EXPECT_EQ(broken_off->listed, 2);
}

TEST_F(MigrationTest, A05_ReadersOfSchema4GoOnWithTheirCursors) {
  Open();
  EXPECT_EQ(absl::StrCat(List({}, 30)->events.size()),
            Truth("SELECT COUNT(*) FROM events WHERE seq > 30"));
  EXPECT_TRUE(List({}, 50)->events.empty());
  EXPECT_THAT(List({}, 51), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  const auto next = Record(Event("new"));
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->cursor, kFirst);
  EXPECT_EQ(List({}, 50)->events.size(), 1u);
  EXPECT_EQ(Sql("SELECT given FROM hongyan_counters WHERE name = 'event'"), "51");
  // Repeats of what was there are known still.
  const std::string key =
      Truth("SELECT dedup_key FROM event_keys WHERE account = 'main' AND seq = 30");
  model::NewEvent repeat = Event(key);
  const auto found = Record(repeat);
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(found->repeated);
  EXPECT_EQ(found->cursor, 30);
}

// The lock file beside it knows the greatest cursor only, which was the number of events too.
TEST_F(MigrationTest, D08_EventsThatSchema4HadLostAreCounted) {
  Sql("DELETE FROM events WHERE seq > 47; DELETE FROM event_keys WHERE seq > 47; "
      "UPDATE hongyan_counters SET number = 47 WHERE name = 'event'");
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 3);
  EXPECT_EQ(*Await(events_->LastCursor(Later())), 50);
  Close();
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 0);
}

TEST_F(MigrationTest, D05_OlderVersionRefusesTheNewerFileAndNamesBoth) {
  Open();
  Close();
  const std::string before = ReadFile(path_);
  std::vector<Migration> older = Migrations();
  while (older.back().version > 4) older.pop_back();
  soci::session session(*soci::factory_sqlite3(), "dbname=\"" + path_ + "\"");
  const auto refused = Migrate(session, older, sqlite::SqlDialect());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition, "STORAGE_UNAVAILABLE"));
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("storage.url"),
                    HasSubstr(absl::StrCat("schema ", Migrations().back().version, ",")),
                    HasSubstr("up to 4"), HasSubstr("nothing was changed")));
  session.close();
  EXPECT_EQ(ReadFile(path_), before);
}

}  // namespace
}  // namespace hongyan::storage
