// The process dies, or the power goes: what was answered is there.
#include <fcntl.h>
#include <poll.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <set>

#include "server/storage/sqlite.h"
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
  void Pause() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
    ASSERT_TRUE(WIFSTOPPED(status));
  }
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

// Of each file only what was synced last is left; the index beside the WAL is gone.
TEST_F(CrashTest, D01_PowerCutAtAnyMomentLosesNothingThatWasAnswered) {
  Child child({"record", path_, "durable", "cut"});
  for (int cut = 0; cut < 200; ++cut) {
    child.ReadLines(1 + random_() % 8);
    child.Pause();
    child.Drain();
    const std::string left = absl::StrCat(folder_, "/cut", cut, ".db");
    for (const std::string suffix : {"", "-wal"}) {
      const std::string synced = path_ + suffix + ".durable";
      if (std::filesystem::exists(synced)) std::filesystem::copy(synced, left + suffix);
    }
    child.Resume();
    ExpectAllThere(left, child);
    if (HasFailure()) FAIL() << "cut " << cut;
    std::filesystem::remove(left);
    std::filesystem::remove(left + "-wal");
    std::filesystem::remove(left + "-shm");
  }
  EXPECT_GT(child.keys.size(), 500u);
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

}  // namespace
}  // namespace hongyan::storage
