// Somebody moves, removes, replaces or shares the files of a storage that is in use.
#include "server/storage/sqlite/database_file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "server/storage/engines.h"
#include "server/storage/sqlite/sqlite.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int kNever = 1000000;  // looks

class DatabaseFileTest : public StorageTest {
 protected:
  // `looks`: DatabaseOptions::looks_before_new.
  void OpenWith(int looks, const std::vector<std::string>& keys) {
    options_.looks_before_new = looks;
    Open();
    for (const std::string& key : keys) ASSERT_THAT(Record(Event(key)), IsOk());
  }
  // Refused, with the path, and not ready.
  void ExpectUnavailable(const std::string& key, const std::string& word) {
    const auto refused = Record(Event(key));
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(path_));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(word));
    EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  }
  // Several looks at the path went by, and none of them brought the storage back.
  void ExpectStillRefused(const std::string& key) {
    const std::int64_t looks = thread_->stats().failed_probes;
    const async::MonoTime end = Later();
    while (thread_->stats().failed_probes < looks + 4 && clock_.Mono() < end) {
      EXPECT_FALSE(Record(Event(key)).ok());
    }
    EXPECT_FALSE(thread_->health().ok());
  }
  void AwaitUnhealthy() {
    const async::MonoTime end = Later();
    while (thread_->health().ok() && clock_.Mono() < end) std::this_thread::yield();
    EXPECT_FALSE(thread_->health().ok());
  }
  std::string Keys() { return Sql("SELECT group_concat(dedup_key) FROM event_keys ORDER BY seq"); }
  std::vector<std::string> SetAside() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (absl::StrContains(entry.path().string(), ".set-aside-")) names.push_back(entry.path());
    }
    return names;
  }
  // Whether another process may use it by this name.
  static bool OthersCanOpen(const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl(HONGYAN_STORAGE_CHILD, HONGYAN_STORAGE_CHILD, "open", path.c_str(), "0", nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_THAT(WEXITSTATUS(status), ::testing::AnyOf(0, 2));
    return WEXITSTATUS(status) == 0;
  }
};

TEST_F(DatabaseFileTest, A04_MovedFileIsNoticedHoldsAllAndGoesOnWhenItIsBack) {
  OpenWith(kNever, {"a", "b"});
  const std::string elsewhere = folder_ + "/elsewhere.db";
  fs::rename(path_, elsewhere);
  ExpectUnavailable("c", "is gone");
  ExpectUnavailable("c", "is gone");
  // All that was answered is in the file, though its WAL stands elsewhere.
  EXPECT_EQ(Sqlite(elsewhere, "SELECT group_concat(dedup_key) FROM event_keys"), "a,b");
  EXPECT_FALSE(fs::exists(path_));
  fs::rename(elsewhere, path_);
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(3));
  EXPECT_THAT(thread_->health(), IsOk());
  EXPECT_EQ(Keys(), "a,b,c");
  EXPECT_EQ(thread_->stats().lost_events, 0);
}

TEST_F(DatabaseFileTest, A04_MovedFileIsWaitedForHoweverLongItTakes) {
  OpenWith(2, {"a"});
  const std::string elsewhere = folder_ + "/elsewhere.db";
  fs::rename(path_, elsewhere);
  ExpectUnavailable("b", "is gone");
  ExpectStillRefused("b");
  EXPECT_THAT(std::string(Record(Event("b")).status().message()), HasSubstr(elsewhere));
  EXPECT_FALSE(fs::exists(path_));
  fs::rename(elsewhere, path_);
  EXPECT_EQ(RecordAtLast(Event("b"))->cursor, Nth(2));
  EXPECT_EQ(Keys(), "a,b");
}

TEST_F(DatabaseFileTest, A04_MovedFileIsNoticedWithoutAnyWrite) {
  OpenWith(kNever, {"a"});
  fs::rename(path_, folder_ + "/elsewhere.db");
  AwaitUnhealthy();
  EXPECT_THAT(std::string(thread_->health().message()), HasSubstr(path_));
}

TEST_F(DatabaseFileTest, A04_CommitIntoAFileThatIsMovedMeanwhileIsNotAnswered) {
  OpenWith(kNever, {"a"});
  const std::string elsewhere = folder_ + "/elsewhere.db";
  disk_faults::RunInNextSync([&] { fs::rename(path_, elsewhere); });
  ExpectUnavailable("b", "is gone");
  ExpectUnavailable("b", "is gone");
  fs::rename(elsewhere, path_);
  const auto again = RecordAtLast(Event("b"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(Keys(), "a,b");
}

TEST_F(DatabaseFileTest, A04_RemovedFileIsWaitedForAndThenBegunAnewWithLaterCursors) {
  OpenWith(3, {"a", "b"});
  fs::remove(path_);
  ExpectUnavailable("c", "is gone");
  EXPECT_FALSE(fs::exists(path_));
  const auto next = RecordAtLast(Event("c"));
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->cursor, Nth(3));
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_EQ(Keys(), "c");
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
  // The WAL that was left behind isn't taken for the new file's, and isn't thrown away either.
  EXPECT_EQ(SetAside().size(), 1u);
  Close();
  Open();
  EXPECT_EQ(Record(Event("d"))->cursor, Nth(4));
}

TEST_F(DatabaseFileTest, A04_StopSoonAfterTheFileWasRemovedLeavesNothingThatRefusesAStart) {
  for (const bool noticed : {false, true}) {
    SCOPED_TRACE(noticed);
    OpenWith(kNever, {absl::StrCat("a", noticed)});
    fs::remove(path_);
    if (noticed) ExpectUnavailable("b", "is gone");
    Close();
    EXPECT_FALSE(fs::exists(path_ + "-wal"));
    EXPECT_EQ(SetAside().size(), noticed ? 2u : 1u);
  }
  Open();
  EXPECT_EQ(Record(Event("c"))->cursor, Nth(3));
}

TEST_F(DatabaseFileTest, A04_StopSoonAfterTheFileWasMovedLeavesAllInIt) {
  OpenWith(kNever, {"a", "b"});
  const std::string elsewhere = folder_ + "/elsewhere.db";
  fs::rename(path_, elsewhere);
  Close();
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
  EXPECT_EQ(Sqlite(elsewhere, "SELECT group_concat(dedup_key) FROM event_keys"), "a,b");
  fs::rename(elsewhere, path_);
  Open();
  EXPECT_EQ(Record(Event("c"))->cursor, Nth(3));
  EXPECT_EQ(Keys(), "a,b,c");
}

TEST_F(DatabaseFileTest, A04_StopSoonAfterABackupTookTheFilesPlaceMixesNothing) {
  OpenWith(kNever, {"a"});
  const std::string backup = folder_ + "/backup.db";
  Sql(absl::StrCat("VACUUM INTO '", backup, "'"));
  for (int i = 0; i < 50; ++i) ASSERT_THAT(Record(Event(absl::StrCat("b", i))), IsOk());
  fs::rename(backup, path_);
  Close();
  EXPECT_EQ(Keys(), "a");
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
  Open();
  EXPECT_EQ(Record(Event("c"))->cursor, Nth(52));
}

TEST_F(DatabaseFileTest, A04_WalIsLeftAloneWhileSomebodyMovesTheFilesToAnotherDisk) {
  OpenWith(kNever, {"a", "b"});
  // A move to another disk copies one file after the other, and removes each when it is copied.
  const std::string elsewhere = folder_ + "/elsewhere.db";
  fs::copy(path_, elsewhere);
  fs::remove(path_);
  ExpectUnavailable("c", "is gone");
  ExpectUnavailable("c", "is gone");
  fs::copy(path_ + "-wal", elsewhere + "-wal");
  EXPECT_EQ(Sqlite(elsewhere, "SELECT group_concat(dedup_key) FROM event_keys"), "a,b");
}

TEST_F(DatabaseFileTest, A04_AllFilesRemovedAtOnce) {
  OpenWith(2, {"a", "b"});
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) fs::remove(path_ + suffix);
  ExpectUnavailable("c", "is gone");
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(3));
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_FALSE(OthersCanOpen(path_));
  Close();
  // The lock file is there again, and knows how far the cursors had come.
  fs::remove(path_);
  Open();
  EXPECT_EQ(Record(Event("d"))->cursor, Nth(4));
}

TEST_F(DatabaseFileTest, A04_RemovedWalLosesNothing) {
  OpenWith(kNever, {"a", "b"});
  fs::remove(path_ + "-wal");
  ExpectUnavailable("c", "-wal");
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(3));
  EXPECT_EQ(Keys(), "a,b,c");
  EXPECT_EQ(thread_->stats().lost_events, 0);
}

TEST_F(DatabaseFileTest, A04_ForeignWalBesideItIsKeptButNotBelieved) {
  OpenWith(kNever, {"a"});
  const std::string old = ReadFile(path_ + "-wal");
  ASSERT_THAT(Record(Event("b")), IsOk());
  // What somebody had copied away comes back.
  WriteFile(path_ + "-wal-copy", old);
  fs::rename(path_ + "-wal-copy", path_ + "-wal");
  ExpectUnavailable("c", "-wal");
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(3));
  EXPECT_EQ(Keys(), "a,b,c");
  const std::vector<std::string> aside = SetAside();
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(ReadFile(aside.front()), old);
}

TEST_F(DatabaseFileTest, A04_BackupPutOverTheRunningFileIsTakenAndGivesNoCursorTwice) {
  OpenWith(kNever, {"a"});
  ASSERT_EQ(Sql(".backup " + folder_ + "/backup.db"), "");
  for (const char* key : {"b", "c"}) ASSERT_THAT(Record(Event(key)), IsOk());
  // By a rename; the WAL of the old file stays where it is, and must not be taken for the backup's.
  fs::rename(folder_ + "/backup.db", path_);
  ExpectUnavailable("d", "another file");
  EXPECT_EQ(RecordAtLast(Event("d"))->cursor, Nth(4));
  EXPECT_EQ(Keys(), "a,d");
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_FALSE(OthersCanOpen(path_));
}

// How much was stored after the backup, and whether that was in the main file already.
struct Copied {
  const char* name;
  int later;
  bool tidied;
};
class CopiedOver : public DatabaseFileTest, public ::testing::WithParamInterface<Copied> {};

TEST_P(CopiedOver, A04_BackupCopiedOverTheRunningFileMixesNothing) {
  OpenWith(kNever, {"a"});
  const auto await_tidy = [&] {
    const async::MonoTime end = Later();
    while (fs::file_size(path_ + "-wal") > 0 && clock_.Mono() < end) std::this_thread::yield();
    ASSERT_EQ(fs::file_size(path_ + "-wal"), 0u);
  };
  await_tidy();
  ASSERT_EQ(Sql(".backup " + folder_ + "/backup.db"), "");
  for (int i = 0; i < GetParam().later; i += 100) {
    std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
    for (int j = i; j < i + 100; ++j) {
      model::NewEvent event = Event(absl::StrCat("later", j));
      event.openid = absl::StrCat("o", j * 7919 % 10007);
      event.body.append(1000, 'x');
      results.push_back(Go(events_->Record(event, Later())));
    }
    RunUntil([&] { return results.back()->has_value(); });
  }
  if (GetParam().tidied) await_tidy();
  // As cp does it: the file stays the same one.
  WriteFile(path_, ReadFile(folder_ + "/backup.db"));
  std::vector<std::string> answered;
  for (int i = 0; i < 20; ++i) {
    model::NewEvent event = Event(absl::StrCat("n", i));
    event.openid = absl::StrCat("n", i);
    ASSERT_THAT(RecordAtLast(event), IsOk());
    answered.push_back(event.dedup_key);
  }
  EXPECT_FALSE(OthersCanOpen(path_));
  Close();
  EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
  const std::vector<std::string> keys =
      absl::StrSplit(Sql("SELECT dedup_key FROM event_keys"), '\n');
  EXPECT_THAT(keys, ::testing::IsSupersetOf(answered));
  EXPECT_EQ(Sql("SELECT COUNT(*) = COUNT(DISTINCT seq) FROM events"), "1");
}

INSTANTIATE_TEST_SUITE_P(Database, CopiedOver,
                         ::testing::Values(Copied{"FewInTheWal", 100, false},
                                           Copied{"FewInTheFile", 100, true},
                                           Copied{"ManyPartlyInTheFile", 3000, false},
                                           Copied{"ManyInTheFile", 3000, true}),
                         [](const auto& info) { return info.param.name; });

TEST_F(DatabaseFileTest, A04_FileEmptiedInPlaceIsBegunAnew) {
  OpenWith(3, {"a", "b"});
  std::ofstream(path_, std::ios::trunc).close();
  ExpectUnavailable("c", path_);
  EXPECT_EQ(RecordAtLast(Event("c"))->cursor, Nth(3));
  EXPECT_EQ(Keys(), "c");
  EXPECT_EQ(thread_->stats().lost_events, 2);
  EXPECT_FALSE(OthersCanOpen(path_));
}

TEST_F(DatabaseFileTest, A04_WalStaysBoundedUnderSteadyWrites) {
  Open();
  for (int i = 0; i < 3000; i += 100) {
    std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
    for (int j = i; j < i + 100; ++j) {
      model::NewEvent event = Event(absl::StrCat("k", j));
      event.openid = absl::StrCat("o", j * 7919 % 10007);
      event.body.append(2000, 'x');
      results.push_back(Go(events_->Record(event, Later())));
    }
    RunUntil([&] { return results.back()->has_value(); });
    EXPECT_LT(fs::file_size(path_ + "-wal"), 16u << 20);
  }
}

TEST_F(DatabaseFileTest, A04_CheckpointByAShellIsNoAlarm) {
  OpenWith(kNever, {"a", "b"});
  EXPECT_THAT(Sql("PRAGMA wal_checkpoint(TRUNCATE)"), HasSubstr("0|"));
  EXPECT_THAT(Record(Event("c")), IsOk());
  EXPECT_THAT(thread_->health(), IsOk());
  EXPECT_EQ(thread_->stats().reopened, 0);
  EXPECT_EQ(Keys(), "a,b,c");
}

TEST_F(DatabaseFileTest, A04_BackupIsNotUsedBeforeAllOfItIsThere) {
  OpenWith(kNever, {"a"});
  ASSERT_EQ(Sql(".backup " + folder_ + "/backup.db"), "");
  const std::string backup = ReadFile(folder_ + "/backup.db");
  fs::remove(path_);
  AwaitUnhealthy();
  for (const std::size_t part : {std::size_t{0}, std::size_t{4096}, backup.size() - 4096}) {
    WriteFile(path_, backup.substr(0, part));
    ExpectStillRefused("b");
    EXPECT_EQ(ReadFile(path_), backup.substr(0, part));
  }
  WriteFile(path_, backup);
  EXPECT_THAT(RecordAtLast(Event("b")), IsOk());
  EXPECT_EQ(Keys(), "a,b");
}

TEST_F(DatabaseFileTest, A04_ForeignFileInItsPlaceIsRefusedUntouched) {
  OpenWith(kNever, {"a"});
  const std::string elsewhere = folder_ + "/elsewhere.db";
  fs::rename(path_, elsewhere);
  AwaitUnhealthy();
  const std::string notes = "just some notes, and no database at all";
  WriteFile(path_, notes);
  ExpectStillRefused("b");
  EXPECT_EQ(ReadFile(path_), notes);
  fs::remove(path_);
  Sql("CREATE TABLE theirs (a)");
  const std::string theirs = ReadFile(path_);
  ExpectStillRefused("b");
  EXPECT_EQ(ReadFile(path_), theirs);
  ExpectUnavailable("b", "another program");
  fs::rename(elsewhere, path_);
  EXPECT_EQ(RecordAtLast(Event("b"))->cursor, Nth(2));
  EXPECT_EQ(Keys(), "a,b");
}

TEST_F(DatabaseFileTest, A04_FolderThatIsMovedAwayAndBack) {
  fs::create_directory(folder_ + "/data");
  path_ = folder_ + "/data/hongyan.db";
  OpenWith(2, {"a"});
  fs::rename(folder_ + "/data", folder_ + "/moved");
  AwaitUnhealthy();
  ExpectStillRefused("b");
  EXPECT_FALSE(fs::exists(folder_ + "/data"));
  ExpectUnavailable("b", folder_ + "/moved/hongyan.db");
  fs::rename(folder_ + "/moved", folder_ + "/data");
  EXPECT_EQ(RecordAtLast(Event("b"))->cursor, Nth(2));
  EXPECT_EQ(Keys(), "a,b");
  EXPECT_FALSE(OthersCanOpen(path_));
}

TEST_F(DatabaseFileTest, A04_ReadsAfterALossSayWhatIsWrong) {
  OpenWith(kNever, {"a"});
  fs::rename(path_, folder_ + "/elsewhere.db");
  AwaitUnhealthy();
  EXPECT_THAT(List({}, 0), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
}

TEST_F(DatabaseFileTest, A07_R08_OtherNamesOfAFileInUseAreRefused) {
  OpenWith(kNever, {"a"});
  const std::string link = folder_ + "/link.db";
  fs::create_symlink(path_, link);
  EXPECT_FALSE(OthersCanOpen(link));
  EXPECT_FALSE(fs::exists(link + "-lock"));
  const std::string folder_link = folder_ + "-link";
  fs::create_symlink(folder_, folder_link);
  EXPECT_FALSE(OthersCanOpen(folder_link + "/hongyan.db"));
  fs::remove(folder_link);
  const std::string hard = folder_ + "/hard.db";
  fs::create_hard_link(path_, hard);
  EXPECT_FALSE(OthersCanOpen(hard));
  EXPECT_FALSE(OthersCanOpen(path_));
  // Once the second name is the only other one left, the lock on the file itself is what holds.
  EXPECT_THAT(Record(Event("b")), IsOk());
  fs::remove(hard);
  EXPECT_FALSE(OthersCanOpen(path_));
  EXPECT_THAT(Record(Event("c")), IsOk());
  EXPECT_EQ(Keys(), "a,b,c");
}

TEST_F(DatabaseFileTest, A07_D09_RemovedLockFileLetsNobodyInAndIsMadeAgain) {
  OpenWith(kNever, {"a", "b"});
  fs::remove(path_ + "-lock");
  EXPECT_FALSE(OthersCanOpen(path_));
  EXPECT_THAT(Record(Event("c")), IsOk());
  const async::MonoTime end = Later();
  const std::string ask = "flock --nonblock '" + path_ + "-lock' true";
  while (std::system(ask.c_str()) == 0 && clock_.Mono() < end) std::this_thread::yield();
  EXPECT_NE(std::system(ask.c_str()), 0);
  EXPECT_THAT(thread_->health(), IsOk());
  EXPECT_THAT(ReadFile(path_ + "-lock"), HasSubstr("3\n"));
}

TEST_F(DatabaseFileTest, A07_R08_MoreThanOneNameIsRefusedAtStart) {
  OpenWith(kNever, {"a"});
  Close();
  fs::create_hard_link(path_, folder_ + "/hard.db");
  for (const absl::Status& status : {TryOpen(), CheckUrl(Url())}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_ + " has 2 names"));
  }
  fs::remove(folder_ + "/hard.db");
  EXPECT_THAT(TryOpen(), IsOk());
}

TEST_F(DatabaseFileTest, A07_NetworkFileSystemsAreKnown) {
  EXPECT_STREQ(sqlite::NetworkFileSystem(0x6969), "NFS");
  EXPECT_STREQ(sqlite::NetworkFileSystem(0xFF534D42), "CIFS");
  EXPECT_EQ(sqlite::NetworkFileSystem(0xEF53), nullptr);      // ext4
  EXPECT_EQ(sqlite::NetworkFileSystem(0x794C7630), nullptr);  // overlayfs
}

TEST_F(DatabaseFileTest, A07_SqlitesOwnLocksAreHeldBesideOurs) {
  OpenWith(kNever, {"a"});
  // Whoever closes the file as its last user removes the WAL; a shell that comes and goes must not
  // be the last.
  EXPECT_EQ(Keys(), "a");
  EXPECT_TRUE(fs::exists(path_ + "-wal"));
  EXPECT_THAT(Record(Event("b")), IsOk());
  EXPECT_EQ(Keys(), "a,b");
}

TEST_F(DatabaseFileTest, LinkToAFileThatIsNotThereYetIsFollowed) {
  fs::create_directory(folder_ + "/data");
  const std::string link = folder_ + "/link.db";
  fs::create_symlink("data/hongyan.db", link);
  const std::string real = fs::canonical(folder_).string() + "/data/hongyan.db";
  EXPECT_EQ(sqlite::ResolvePath(link), real);
  path_ = link;
  OpenWith(kNever, {"a"});
  EXPECT_TRUE(fs::exists(real + "-lock"));
  EXPECT_FALSE(OthersCanOpen(real));
}

TEST_F(DatabaseFileTest, LinkThatIsTurnedToAnotherStorageIsFollowed) {
  path_ = folder_ + "/first.db";
  OpenWith(kNever, {"a"});
  Close();
  const std::string first = path_;
  fs::copy(first, folder_ + "/second.db");
  path_ = folder_ + "/link.db";
  fs::create_symlink(first, path_);
  OpenWith(kNever, {"b"});
  fs::create_symlink(folder_ + "/second.db", folder_ + "/new-link");
  fs::rename(folder_ + "/new-link", path_);
  EXPECT_THAT(RecordAtLast(Event("c")), IsOk());
  EXPECT_EQ(Keys(), "a,c");
  EXPECT_EQ(Sqlite(first, "SELECT group_concat(dedup_key) FROM event_keys"), "a,b");
  EXPECT_FALSE(OthersCanOpen(folder_ + "/second.db"));
  EXPECT_TRUE(OthersCanOpen(first));
}

}  // namespace
}  // namespace hongyan::storage
