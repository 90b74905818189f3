// The process dies, or the power goes: what was answered is there.
#include <fcntl.h>
#include <poll.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <set>

#include "server/storage/sqlite/sqlite.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;

// tests/unit/storage/storage_child.cc, and the lines that it wrote.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ::abort();
    std::vector<char*> argv;
    std::string program = HONGYAN_STORAGE_CHILD;
    argv.push_back(program.data());
    std::vector<std::string> copies = arguments;
    for (std::string& copy : copies) argv.push_back(copy.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execv(program.c_str(), argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    out_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) Kill();
    ::close(out_);
  }

  // Until so many more lines were read.
  void ReadLines(std::size_t more) {
    const std::size_t want = keys.size() + more;
    while (keys.size() < want && ReadSome()) {
    }
  }
  // All that is there now.
  void Drain() {
    pollfd ready{out_, POLLIN, 0};
    while (::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0 && ReadSome()) {
    }
  }
  void Pause() { Stop(SIGSTOP); }
  // Before the next sync has done anything.
  void PauseInSync() { Stop(SIGUSR1); }
  void Resume() { ::kill(pid_, SIGCONT); }
  void Kill() {
    ::kill(pid_, SIGKILL);
    Wait();
  }
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

  std::vector<std::string> keys;
  std::vector<std::string> cursors;

 private:
  void Stop(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    // What it writes is read meanwhile, or it would stand still at a full pipe.
    while (::waitpid(pid_, &status, WUNTRACED | WNOHANG) == 0) {
      pollfd ready{out_, POLLIN, 0};
      if (::poll(&ready, 1, 1) > 0 && !ReadSome()) break;
    }
    ASSERT_TRUE(WIFSTOPPED(status));
  }
  bool ReadSome() {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(out_, buffer.data(), buffer.size());
    if (got <= 0) return false;
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t end = 0;
    while ((end = rest_.find('\n')) != std::string::npos) {
      const std::size_t space = rest_.find(' ');
      cursors.push_back(rest_.substr(0, space));
      keys.push_back(rest_.substr(space + 1, end - space - 1));
      rest_.erase(0, end + 1);
    }
    return true;
  }

  pid_t pid_ = 0;
  int out_ = -1;
  std::string rest_;
};

class CrashTest : public StorageTest {
 protected:
  // Every pair that was answered stands in the file.
  static void ExpectAllThere(const std::string& path, const Child& child) {
    std::set<std::string> there;
    const std::string rows = Sqlite(path,
                                    "PRAGMA synchronous = OFF; PRAGMA integrity_check; SELECT "
                                    "e.seq || ' ' || k.dedup_key FROM events e JOIN "
                                    "event_keys k ON k.seq = e.seq");
    for (const absl::string_view row : absl::StrSplit(rows, '\n')) there.emplace(row);
    ASSERT_EQ(there.count("ok"), 1u) << rows.substr(0, 200);
    std::size_t lost = 0;
    for (std::size_t i = 0; i < child.keys.size(); ++i) {
      lost += there.count(child.cursors[i] + " " + child.keys[i]) == 0 ? 1 : 0;
    }
    EXPECT_EQ(lost, 0u) << "of " << child.keys.size();
  }
  std::minstd_rand random_{20240501};
};

TEST_F(CrashTest, D01_KilledProcessLosesNothingThatWasAnswered) {
  std::set<std::string> all_cursors;
  std::size_t answered = 0;
  for (int run = 0; run < 10; ++run) {
    Child child({"record", path_, "plain", absl::StrCat("run", run)});
    child.ReadLines(1 + random_() % 300);
    child.Kill();
    child.Drain();
    ASSERT_GT(child.keys.size(), 0u);
    ExpectAllThere(path_, child);
    // No cursor was given twice, over all runs.
    for (const std::string& cursor : child.cursors) EXPECT_TRUE(all_cursors.insert(cursor).second);
    answered += child.keys.size();
  }
  EXPECT_EQ(all_cursors.size(), answered);
}

TEST_F(CrashTest, D01_CopyOfTheFilesAtAnyMomentHasWhatWasAnswered) {
  Open();
  for (int i = 0; i < 30; ++i) {
    const std::string key = absl::StrCat("k", i);
    ASSERT_THAT(Record(Event(key)), IsOk());
    const std::string copy = absl::StrCat(folder_, "/copy", i, ".db");
    std::filesystem::copy(path_, copy);
    if (std::filesystem::exists(path_ + "-wal"))
      std::filesystem::copy(path_ + "-wal", copy + "-wal");
    EXPECT_EQ(Sqlite(copy, "SELECT COUNT(*) FROM event_keys WHERE dedup_key = '" + key + "'"), "1");
    EXPECT_EQ(Sqlite(copy, "SELECT COUNT(*) FROM events"), std::to_string(i + 1));
  }
}

// What a power cut leaves of the file `from`. What was synced last is there; of what was written
// since, each block may be there or not: the disk writes as it likes, and the cut may come in the
// midst of a sync. Says how many blocks that were.
class PowerCutTest : public CrashTest {
 protected:
  std::size_t Leave(const std::string& from, const std::string& to) {
    const std::string now = std::filesystem::exists(from) ? ReadFile(from) : "";
    const std::string synced =
        std::filesystem::exists(from + ".durable") ? ReadFile(from + ".durable") : "";
    if (now.empty() && synced.empty()) return 0;
    // From nothing to everything of what wasn't synced, so that both ends are met as well.
    const unsigned of_ten = random_() % 11;
    std::string left = synced;
    left.resize(random_() % 10 < of_ten ? std::max(now.size(), synced.size()) : synced.size());
    std::size_t open = 0;
    for (std::size_t at = 0; at < now.size(); at += kBlock) {
      const std::size_t size = std::min(kBlock, now.size() - at);
      if (at + size <= synced.size() && now.compare(at, size, synced, at, size) == 0) continue;
      ++open;
      if (at + size <= left.size() && random_() % 10 < of_ten)
        left.replace(at, size, now, at, size);
    }
    WriteFile(to, left);
    return open;
  }

  static constexpr std::size_t kBlock = 512;
#ifdef HONGYAN_SANITIZED
  static constexpr int kCuts = 40;  // what the disk keeps is the same there, only slower
#else
  static constexpr int kCuts = 200;
#endif
};

TEST_F(PowerCutTest, D01_AnyMomentLosesNothingThatWasAnswered) {
  Child child({"record", path_, "durable", "cut"});
  const std::string recorded = path_;
  int in_the_midst = 0;
  for (int cut = 0; cut < kCuts; ++cut) {
    child.ReadLines(1 + random_() % 8);
    cut % 2 == 0 ? child.Pause() : child.PauseInSync();
    child.Drain();
    const std::string left = absl::StrCat(folder_, "/cut", cut, ".db");
    const std::size_t open = Leave(recorded, left) + Leave(recorded + "-wal", left + "-wal");
    in_the_midst += open > 0 ? 1 : 0;
    // Never synced, so it may be ahead of all that is.
    std::filesystem::copy(recorded + "-lock", left + "-lock");
    // As the next start finds it.
    path_ = left;
    Open();
    EXPECT_EQ(thread_->stats().lost_events, 0);
    const auto next = Record(Event("next"));
    ASSERT_THAT(next, IsOk());
    ASSERT_GT(next->cursor, std::stoll(child.cursors.back())) << "was given twice";
    Close();
    ExpectAllThere(left, child);
    if (HasFailure()) FAIL() << "cut " << cut;
    for (const std::string suffix : {"", "-lock"}) std::filesystem::remove(left + suffix);
    child.Resume();
  }
  EXPECT_GT(child.keys.size(), 2.5 * kCuts);
  EXPECT_GE(in_the_midst, kCuts / 4);
}

TEST_F(CrashTest, D11_SchemaKilledAtEveryWriteIsFinishedByTheNextStart) {
  const std::string whole = folder_ + "/whole.db";
  ASSERT_EQ(Child({"open", whole, "0"}).Wait(), 0);
  const std::string schema = Sqlite(whole, ".schema");
  ASSERT_THAT(schema, ::testing::HasSubstr("subscribers"));
  // What each step leaves; before the first there is nothing.
  std::vector<std::string> steps = {""};
  std::vector<Migration> migrations;
  for (const Migration& migration : Migrations()) {
    migrations.push_back(migration);
    const std::string file = absl::StrCat(folder_, "/step", migration.version, ".db");
    soci::session session(*soci::factory_sqlite3(), "dbname=\"" + file + "\"");
    ASSERT_THAT(Migrate(session, migrations, sqlite::SqlDialect()), IsOk());
    steps.push_back(Sqlite(file, ".schema"));
  }
  ASSERT_EQ(steps.back(), schema);
  int killed = 0;
  while (true) {
    const std::string path = absl::StrCat(folder_, "/at", killed + 1, ".db");
    const int status = Child({"open", path, std::to_string(killed + 1)}).Wait();
    if (!WIFSIGNALED(status)) {
      EXPECT_EQ(status, 0);
      break;
    }
    ++killed;
    // All of a step or nothing.
    EXPECT_THAT(steps, ::testing::Contains(Sqlite(path, ".schema"))) << killed;
    path_ = path;
    Open();
    ASSERT_THAT(Record(Event("a")), IsOk());
    Close();
    EXPECT_EQ(Sqlite(path, ".schema"), schema) << killed;
  }
  EXPECT_GT(killed, 5);
}

// A store of the first schema with an event of each of two people, one of whom has been forgotten
// since.
class UpgradeTest : public CrashTest {
 protected:
  void MakeFirst(const std::string& path) {
    path_ = folder_ + "/newest.db";
    Open();
    ASSERT_THAT(Record(Event("stays")), IsOk());
    model::NewEvent other = Event("goes");
    other.openid = "oGone";
    ASSERT_THAT(Record(other), IsOk());
    ASSERT_THAT(Await(subscribers_->SeeFollowers("main", {"oABC", "oGone"}, At(1700000000),
                                                 At(1700000001), Later())),
                IsOk());
    Close();
    {
      soci::session session(*soci::factory_sqlite3(), "dbname=\"" + path + "\"");
      ASSERT_THAT(Migrate(session, {Migrations().front()}, sqlite::SqlDialect()), IsOk());
    }
    for (const std::string table : {"events", "event_keys", "subscribers", "hongyan_counters"}) {
      const std::string columns =
          Sqlite(path, "SELECT group_concat(name) FROM pragma_table_info('" + table + "')");
      ASSERT_EQ(Sqlite(path, absl::StrCat("ATTACH '", path_, "' AS newest; DELETE FROM main.",
                                          table, "; INSERT INTO main.", table, " (", columns,
                                          ") SELECT ", columns, " FROM newest.", table)),
                "");
    }
    Sqlite(path,
           "UPDATE subscribers SET erase_time = 1 WHERE openid = 'oGone'; "
           "DELETE FROM hongyan_counters WHERE name NOT IN ('event', 'probe')");
  }
};

TEST_F(UpgradeTest, D11_KilledAtEveryWriteLosesNoRow) {
  const std::string first = folder_ + "/first.db";
  MakeFirst(first);
  ASSERT_EQ(Sqlite(first, "SELECT version FROM hongyan_schema"), "1");
  const std::string rows =
      "SELECT * FROM events; SELECT * FROM event_keys; SELECT openid, subscribed, state_time "
      "FROM subscribers; SELECT number FROM hongyan_counters WHERE name = 'event'";
  const std::string before = Sqlite(first, rows);
  ASSERT_THAT(before, ::testing::HasSubstr("oGone"));
  int killed = 0;
  while (true) {
    const std::string path = absl::StrCat(folder_, "/at", killed + 1, ".db");
    std::filesystem::copy(first, path);
    const int status = Child({"open", path, std::to_string(killed + 1)}).Wait();
    if (!WIFSIGNALED(status)) {
      EXPECT_EQ(status, 0);
      break;
    }
    ++killed;
    path_ = path;
    Open();
    EXPECT_EQ(thread_->stats().lost_events, 0) << killed;
    const auto page = List({}, 0);
    ASSERT_THAT(page, IsOk());
    EXPECT_THAT(Numbers(*page), ::testing::ElementsAre(1, 2)) << killed;
    EXPECT_EQ(thread_->stats().damaged, 0) << killed;
    Close();
    EXPECT_EQ(Sql(rows), before) << killed;
    EXPECT_EQ(Sql("SELECT version FROM hongyan_schema"), absl::StrCat(Migrations().back().version));
    // What a step moves is there, once.
    EXPECT_EQ(Sql("SELECT openid, until_seq FROM event_erasures"), absl::StrCat("oGone|", Nth(2)))
        << killed;
    EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok") << killed;
  }
  EXPECT_GT(killed, 5);
}

}  // namespace
}  // namespace hongyan::storage
