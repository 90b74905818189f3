#include "server/storage/database.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "server/storage/counter_rows.h"
#include "server/storage/sqlite/sqlite.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using ::testing::HasSubstr;

class DatabaseTest : public StorageTest {
 protected:
  // Opening must fail so and change no byte.
  void ExpectRefused(absl::StatusCode code, const std::string& word) {
    const std::string before = ReadFile(path_);
    const absl::Status status = TryOpen();
    EXPECT_THAT(status, StatusIs(code));
    EXPECT_THAT(std::string(status.message()), HasSubstr("storage.url"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(word));
    EXPECT_EQ(ReadFile(path_), before);
    EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(path_ + "-shm"));
  }
  // Of the events that are stored.
  const std::string kNumbers =
      absl::StrCat("SELECT group_concat(seq - ", kFirst - 1, ") FROM events");
  void MakeWithEvents(int count) {
    Open();
    for (int i = 0; i < count; ++i) ASSERT_THAT(Record(Event(absl::StrCat("k", i))), IsOk());
    Close();
  }
};

TEST_F(DatabaseTest, NewFileIsOursAndPrivateAndFullySynced) {
  Open();
  EXPECT_EQ(Sql("PRAGMA application_id"), std::to_string(0x486F6E67));
  EXPECT_EQ(Sql("SELECT version FROM hongyan_schema"), absl::StrCat(Migrations().back().version));
  EXPECT_EQ(Sql("PRAGMA journal_mode"), "wal");
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  // Every answered event is one more sync.
  const int before = disk_faults::Syncs();
  ASSERT_THAT(Record(Event("a")), IsOk());
  EXPECT_GT(disk_faults::Syncs(), before);
}

TEST_F(DatabaseTest, UrlMustNameAnSqliteFile) {
  for (const std::string url : {"", "hongyan.db", "sqlite:", "postgresql://h/d", "sqlite:a\"b",
                                "sqlite://x.db", "sqlite:x.db?mode=ro"}) {
    EXPECT_THAT(Database::Open(url).status(), StatusIs(absl::StatusCode::kInvalidArgument)) << url;
  }
}

TEST_F(DatabaseTest, D05_ForeignFilesAreRefusedUntouched) {
  Sql("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "another program");
  std::filesystem::remove(path_);
  Sql("PRAGMA application_id = 4711; CREATE TABLE theirs (a)");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "another program");
  WriteFile(path_, "just some notes, and no database at all");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "no SQLite database");
}

TEST_F(DatabaseTest, D05_ForeignWalIsNotTouchedEither) {
  // Their WAL has not been brought into the file yet.
  WriteFile(folder_ + "/script",
            "PRAGMA journal_mode = WAL;\nCREATE TABLE theirs (a);\n"
            "PRAGMA wal_checkpoint(TRUNCATE);\nINSERT INTO theirs VALUES (1);\n.shell cp " +
                path_ + "-wal " + path_ + "-keep\n");
  ASSERT_EQ(std::system(("sqlite3 -batch " + path_ + " < " + folder_ + "/script").c_str()), 0);
  std::filesystem::rename(path_ + "-keep", path_ + "-wal");
  const std::string file = ReadFile(path_);
  const std::string wal = ReadFile(path_ + "-wal");
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReadFile(path_), file);
  EXPECT_EQ(ReadFile(path_ + "-wal"), wal);
}

TEST_F(DatabaseTest, D05_NewerSchemaIsRefused) {
  MakeWithEvents(1);
  Sql("UPDATE hongyan_schema SET version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                "newer hongyand (schema 99, this one knows schemas up to " +
                    absl::StrCat(Migrations().back().version));
}

TEST_F(DatabaseTest, D05_FoldersAndMissingFoldersAreRefused) {
  std::filesystem::create_directory(path_);
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kFailedPrecondition));
  path_ = folder_ + "/nowhere/hongyan.db";
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("nowhere"));
}

TEST_F(DatabaseTest, D06_ZeroedHeaderIsRefused) {
  MakeWithEvents(3);
  WriteFile(path_, std::string(100, '\0') + ReadFile(path_).substr(100));
  ExpectRefused(absl::StatusCode::kInternal, "backup");
}

TEST_F(DatabaseTest, D06_RandomFirstPageIsRefused) {
  MakeWithEvents(3);
  std::string bytes = ReadFile(path_);
  unsigned state = 7;
  for (std::size_t i = 100; i < 4096; ++i) {
    bytes[i] = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  }
  WriteFile(path_, bytes);
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_EQ(ReadFile(path_), bytes);
}

TEST_F(DatabaseTest, D06_TruncatedFileIsRefused) {
  MakeWithEvents(50);
  const std::string bytes = ReadFile(path_);
  WriteFile(path_, bytes.substr(0, 4096 * 3));
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_EQ(ReadFile(path_), bytes.substr(0, 4096 * 3));
  WriteFile(path_, "");
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_EQ(ReadFile(path_), "");
}

TEST_F(DatabaseTest, D08_DeletedWalIsNoticedAndItsCursorsAreNotUsedAgain) {
  Open();
  ASSERT_THAT(Record(Event("kept")), IsOk());
  Close();
  const std::string kept = ReadFile(path_);
  Open();
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Record(Event(absl::StrCat("lost", i))), IsOk());
  Close();
  // The main file as it was before the WAL came into it, and no WAL: five events are gone.
  WriteFile(path_, kept);
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 5);
  const auto next = Record(Event("next"));
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->cursor, Nth(7));
  Close();
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 0);
}

TEST_F(DatabaseTest, D08_BackupPutInPlaceOfTheRunningFileGivesNoCursorTwice) {
  MakeWithEvents(3);
  const std::string backup = ReadFile(path_);
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  ASSERT_EQ(Record(Event("b"))->cursor, Nth(5));
  // The disk fails, and whoever looks after it puts the backup there.
  WriteFile(path_ + "-new", backup);
  std::filesystem::rename(path_ + "-new", path_);
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  disk_faults::FailSync(1);
  ASSERT_THAT(Record(Event("c")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(6));
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_EQ(Sql(kNumbers), "1,2,3,6");
}

TEST_F(DatabaseTest, D08_LossIsCountedOnceEvenWhenItCannotBeNotedAtOnce) {
  MakeWithEvents(3);
  const std::string backup = ReadFile(path_);
  Open();
  for (const char* key : {"a", "b"}) ASSERT_THAT(Record(Event(key)), IsOk());
  WriteFile(path_ + "-new", backup);
  std::filesystem::rename(path_ + "-new", path_);
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  disk_faults::FailSync(1);
  ASSERT_THAT(Record(Event("c")), StatusIs(absl::StatusCode::kUnavailable));
  disk_faults::FailWrites("hongyan.db-wal", 1, ENOSPC, true);
  const std::int64_t looks = thread_->stats().failed_probes;
  const async::MonoTime end = Later();
  while (thread_->stats().failed_probes < looks + 5 && clock_.Mono() < end)
    (void)Record(Event("c"));
  EXPECT_EQ(thread_->stats().lost_events, 0);
  disk_faults::Clear();
  ASSERT_THAT(RecordAtLast(Event("c")), IsOk());
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_EQ(Sql(kNumbers), "1,2,3,6");
}

// As from a backup: the database alone, in an empty folder.
TEST_F(DatabaseTest, A05_BackupInAnEmptyFolderGivesNoCursorTwiceAndRefusesThoseItDoesNotKnow) {
  MakeWithEvents(3);
  const std::string backup = ReadFile(path_);
  Open();
  for (const char* key : {"a", "b"}) ASSERT_THAT(Record(Event(key)), IsOk());
  const std::int64_t reader = Nth(5);
  Close();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  WriteFile(path_, backup);
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 0);  // nobody is left who could tell
  EXPECT_THAT(List({}, reader), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  EXPECT_THAT(List({}, Nth(3)), IsOk());
  model::NewEvent event = Event("after");
  event.receive_time = At(1700000002);
  const auto recorded = Record(event);
  ASSERT_THAT(recorded, IsOk());
  EXPECT_GT(recorded->cursor, reader);
  const auto page = List({}, reader);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].cursor, recorded->cursor);
}

TEST_F(DatabaseTest, A05_NewDatabaseInPlaceOfALostOneGivesNoCursorTwice) {
  MakeWithEvents(3);
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  Open();
  EXPECT_THAT(List({}, Nth(3)), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  model::NewEvent event = Event("after");
  event.receive_time = At(1700000002);
  EXPECT_GT(Record(event)->cursor, Nth(3));
  EXPECT_EQ(List({}, Nth(3))->events.size(), 1u);
}

TEST_F(DatabaseTest, A05_LostEventsAreCountedHoweverFarApartTheirCursorsAre) {
  MakeWithEvents(2);
  const std::string backup = ReadFile(path_);
  Open();
  for (int i = 0; i < 3; ++i) {
    model::NewEvent event = Event(absl::StrCat("later", i));
    event.receive_time = At(1700000001 + 3600 * i);
    ASSERT_THAT(Record(event), IsOk());
  }
  Close();
  WriteFile(path_, backup);
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 3);
  EXPECT_EQ(*Await(events_->LastCursor(Later())), (1700000001 + 7200) * 1000000LL);
  EXPECT_EQ(Sql("SELECT given FROM hongyan_counters WHERE name = 'event'"), "5");
}

// After a crash, with the WAL as `spoil` leaves it; SQLite itself finds nothing wrong with any of
// these.
struct Spoilt {
  const char* name;
  void (*spoil)(std::string& wal);
};
class SpoiltWal : public DatabaseTest, public ::testing::WithParamInterface<Spoilt> {};

TEST_P(SpoiltWal, D08_IsNoticedAndItsCursorsAreNotUsedAgain) {
  MakeWithEvents(0);  // or the tables too would be in the WAL alone
  Open();
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Record(Event(absl::StrCat("k", i))), IsOk());
  const std::string other = folder_ + "/other.db";
  std::string wal = ReadFile(path_ + "-wal");
  ASSERT_GT(wal.size(), 8192u);
  GetParam().spoil(wal);
  std::filesystem::copy(path_, other);
  if (!wal.empty()) WriteFile(other + "-wal", wal);
  std::filesystem::copy(path_ + "-lock", other + "-lock");
  WriteFile(other + "-shm", "garbage that SQLite must not believe");
  Close();
  path_ = other;
  Open();
  const auto page = List({}, 0);
  ASSERT_THAT(page, IsOk());
  EXPECT_GT(thread_->stats().lost_events, 0);
  EXPECT_EQ(thread_->stats().lost_events, 20 - static_cast<int>(page->events.size()));
  EXPECT_EQ(Record(Event("new"))->cursor, Nth(21));
}

INSTANTIATE_TEST_SUITE_P(
    Database, SpoiltWal,
    ::testing::Values(Spoilt{"Flipped", [](std::string& wal) { wal[wal.size() / 2] ^= 4; }},
                      Spoilt{"FlippedHeader", [](std::string& wal) { wal[17] ^= 1; }},
                      Spoilt{"CutInTheMiddleOfAFrame",
                             [](std::string& wal) { wal.resize(wal.size() / 2 + 100); }},
                      Spoilt{"CutAfterItsHeader", [](std::string& wal) { wal.resize(32); }},
                      Spoilt{"Deleted", [](std::string& wal) { wal.clear(); }}),
    [](const auto& info) { return info.param.name; });

TEST_F(DatabaseTest, D09_SecondProcessIsRefused) {
  Open();
  const absl::Status status = Database::Open(Url()).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "STORAGE_UNAVAILABLE"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("another process"));
  Close();
  EXPECT_THAT(Database::Open(Url()), IsOk());
}

TEST_F(DatabaseTest, D09_LockedByAShellIsUnavailableUntilItEnds) {
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  FILE* shell = ::popen(("sqlite3 -batch '" + path_ + "' < " + fifo).c_str(), "r");
  FILE* commands = std::fopen(fifo.c_str(), "w");
  std::fputs("BEGIN IMMEDIATE;\n.shell echo locked\n", commands);
  std::fflush(commands);
  std::array<char, 64> line{};
  ASSERT_NE(std::fgets(line.data(), line.size(), shell), nullptr);
  EXPECT_THAT(Record(Event("b")), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  EXPECT_FALSE(thread_->health().ok());
  // Reading goes on.
  EXPECT_EQ(List({}, 0)->events.size(), 1u);
  std::fputs("ROLLBACK;\n", commands);
  std::fclose(commands);
  ::pclose(shell);
  EXPECT_THAT(Record(Event("b")), IsOk());
  EXPECT_THAT(thread_->health(), IsOk());
}

TEST_F(DatabaseTest, SnapshotShowsOneStateWhateverOthersWrite) {
  Open();
  const auto look = [](Database& database) { return SelectEventMark(database.session()).cursor; };
  StorageWork<bool> work = [&](Database& database) -> absl::StatusOr<bool> {
    const Snapshot snapshot(database);
    const std::int64_t before = look(database);
    Sql("UPDATE hongyan_counters SET number = 7 WHERE name = 'event'");
    return look(database) == before;
  };
  EXPECT_TRUE(*Await(thread_->Read<bool>(work, Later())));
  EXPECT_EQ(*Await(events_->LastCursor(Later())), 7);
  ASSERT_THAT(Record(Event("a")), IsOk()) << "and it ends with the job";
}

TEST_F(DatabaseTest, D11_MigrationThatFailsLeavesNothing) {
  MakeWithEvents(1);
  soci::session session(*soci::factory_sqlite3(), "dbname=\"" + path_ + "\"");
  std::vector<Migration> migrations = Migrations();
  const int newest = migrations.back().version;
  migrations.push_back({newest + 1, {"CREATE TABLE second (a INTEGER)"}});
  migrations.push_back({newest + 2, {"CREATE TABLE third (a INTEGER)", "this is no SQL"}});
  EXPECT_THROW((void)Migrate(session, migrations, sqlite::SqlDialect()), soci::soci_error);
  EXPECT_EQ(Sql("SELECT version FROM hongyan_schema"), absl::StrCat(newest + 1));
  EXPECT_EQ(Sql("SELECT name FROM sqlite_master WHERE name IN ('second', 'third')"), "second");
  migrations.back().statements.pop_back();
  EXPECT_EQ(*Migrate(session, migrations, sqlite::SqlDialect()), newest + 2);
}

TEST_F(DatabaseTest, FirstSchemaIsBroughtUpToDate) {
  Open();
  model::NewEvent event = Event("a");
  event.effect.kind = model::SubscriberEffect::Kind::kSubscribe;
  ASSERT_THAT(Record(event), IsOk());
  Close();
  // As the first version left it, of somebody whose row it had erased.
  Sql("DROP INDEX events_by_type; DROP INDEX events_by_account_and_type; "
      "ALTER TABLE hongyan_counters DROP COLUMN given; "
      "DELETE FROM hongyan_counters WHERE name LIKE 'clock%'; "
      "DROP INDEX events_by_person; DROP TABLE event_erasures; "
      "ALTER TABLE subscribers DROP COLUMN refused_time; "
      "ALTER TABLE subscriber_syncs DROP COLUMN profiles_since; "
      "ALTER TABLE subscriber_syncs DROP COLUMN departed; "
      "UPDATE subscribers SET subscribed = 0, erase_time = 1; "
      "UPDATE hongyan_schema SET version = 1");
  Open();
  EXPECT_EQ(List({}, 0)->events.size(), 1u);
  const auto row = Await(subscribers_->Get("main", "oABC", Later()));
  ASSERT_THAT(row, IsOk());
  EXPECT_FALSE(row->subscribed);
  EXPECT_THAT(Await(subscribers_->GetSync("main", Later())), IsOk());
  // Its events were left.
  ASSERT_THAT(Await(subscribers_->ErasePersonal(At(1), At(2), Later())), IsOk());
  EXPECT_TRUE(List({}, 0)->events.empty());
}

TEST_F(DatabaseTest, B04_AFolderThatIsMissingIsNamed) {
  const absl::Status status = Database::Open("sqlite:" + path_ + ".d/sub/x.db").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("can't be made in the folder ", path_, ".d/sub: ")));
}

TEST_F(DatabaseTest, MigrationVersionsAreDense) {
  int expected = 1;
  for (const Migration& migration : Migrations()) EXPECT_EQ(migration.version, expected++);
}

}  // namespace
}  // namespace hongyan::storage
