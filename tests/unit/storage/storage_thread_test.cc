#include "server/storage/storage_thread.h"

#include <soci/soci.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/storage/errors.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;

// Keeps the storage thread busy until it is opened.
class Gate {
 public:
  void Pass() {
    std::unique_lock<std::mutex> hold(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(hold, [this] { return open_; });
  }
  void AwaitReached() {
    std::unique_lock<std::mutex> hold(mutex_);
    changed_.wait(hold, [this] { return reached_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> hold(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

class StorageThreadTest : public StorageTest {
 protected:
  async::Task<absl::StatusOr<int>> Blocked(Gate& gate) {
    StorageWork<int> work = [&gate](Database&) -> absl::StatusOr<int> {
      gate.Pass();
      return 0;
    };
    return thread_->Read<int>(std::move(work), Later());
  }
};

TEST_F(StorageThreadTest, WritesThatGatherAreCommittedTogether) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
  for (int i = 0; i < 100; ++i) {
    results.push_back(Go(events_->Record(Event(absl::StrCat("k", i)), Later())));
  }
  RunDry();
  const std::int64_t commits = thread_->stats().commits;
  const int syncs = disk_faults::Syncs();
  gate.Open();
  RunUntil([&] { return results.back()->has_value(); });
  EXPECT_EQ(thread_->stats().commits, commits + 1);
  EXPECT_LE(disk_faults::Syncs(), syncs + 3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ((**results[static_cast<std::size_t>(i)])->cursor, Nth(i + 1));
  }
  EXPECT_EQ(Sql("SELECT COUNT(*), MAX(seq) FROM events"), absl::StrCat("100|", Nth(100)));
}

TEST_F(StorageThreadTest, OneThatFailsDoesNotFailItsNeighbours) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  StorageWork<int> broken = [](Database& database) -> absl::StatusOr<int> {
    database.session() << "UPDATE hongyan_counters SET number = 1000 WHERE name = 'event'";
    database.session() << "INSERT INTO nowhere VALUES (1)";
    return 0;
  };
  auto first = Go(events_->Record(Event("a"), Later()));
  auto second = Go(thread_->Write<int>(broken, 0, Later()));
  auto third = Go(events_->Record(Event("b"), Later()));
  RunDry();
  gate.Open();
  RunUntil([&] { return third->has_value(); });
  EXPECT_EQ((**first)->cursor, Nth(1));
  EXPECT_THAT(**second, StatusIs(absl::StatusCode::kInternal, "INTERNAL"));
  EXPECT_EQ((**third)->cursor, Nth(2));  // what the failed one did is undone
  EXPECT_THAT(thread_->health(), IsOk());
  EXPECT_EQ(Sql("SELECT dedup_key FROM event_keys ORDER BY seq"), "a\nb");
}

TEST_F(StorageThreadTest, A11_OneKindThatMeetsAStorageFaultEachTimeIsNotWellThoughProbesAre) {
  Open();
  // As with a bad sector that only this kind's rows come to.
  const StorageWork<int> unlucky = [](Database&) -> absl::StatusOr<int> {
    return Unavailable("disk I/O error");
  };
  const async::MonoTime end = Later();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Await(thread_->Write<int>(unlucky, 0, Later())),
                StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
    EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
    // Another kind's success says, as a probe does, that the disk works.
    ASSERT_THAT(Record(Event(absl::StrCat("a", i))), IsOk());
  }
  EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  EXPECT_THAT(std::string(thread_->health().message()), ::testing::HasSubstr("disk I/O error"));
  const StorageWork<int> lucky = [](Database&) -> absl::StatusOr<int> { return 0; };
  while (!thread_->health().ok() && clock_.Mono() < end) {
    ASSERT_THAT(Await(thread_->Write<int>(lucky, 0, Later())), IsOk());
  }
  EXPECT_THAT(thread_->health(), IsOk());
}

TEST_F(StorageThreadTest, WhatIsOverTheBoundsIsRefusedAtOnce) {
  limits_.waiting_writes = 3;
  limits_.waiting_bytes = 100000;
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  model::NewEvent large = Event("large");
  large.body.assign(100001, 'x');
  EXPECT_THAT(Record(large), StatusIs(absl::StatusCode::kResourceExhausted, "OVERLOADED"));
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> waiting;
  for (const char* key : {"a", "b", "c"})
    waiting.push_back(Go(events_->Record(Event(key), Later())));
  RunDry();
  EXPECT_THAT(Record(Event("d")), StatusIs(absl::StatusCode::kResourceExhausted, "OVERLOADED"));
  gate.Open();
  RunUntil([&] { return waiting.back()->has_value(); });
  EXPECT_THAT(Record(Event("d")), IsOk());
}

TEST_F(StorageThreadTest, D10_WhatIsBusyWithOneThingForTooLongIsNotWell) {
  limits_.late = absl::ZeroDuration();
  Open();
  EXPECT_THAT(thread_->health(), IsOk());
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  while (thread_->health().ok()) std::this_thread::yield();
  EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  gate.Open();
  RunUntil([&] { return blocked->has_value(); });
  while (!thread_->health().ok()) std::this_thread::yield();  // once it has given the result back
}

TEST_F(StorageThreadTest, WhatIsNotThereIsNoFailure) {
  Open();
  EXPECT_THAT(Await(subscribers_->Get("main", "oNobody", Later())),
              StatusIs(absl::StatusCode::kNotFound, "SUBSCRIBER_NOT_FOUND"));
  EXPECT_EQ(thread_->stats().failed, 0);
  EXPECT_GT(thread_->stats().reads, 0);
}

TEST_F(StorageThreadTest, AReadThatComesTooLateStoresNothing) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  const auto late = Await(subscribers_->Get("main", "oA", clock_.Mono()));
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kDeadlineExceeded, "STORAGE_UNAVAILABLE"));
  EXPECT_THAT(std::string(late.status().message()), ::testing::HasSubstr("nothing was read"));
  gate.Open();
  RunUntil([&] { return blocked->has_value(); });
}

TEST_F(StorageThreadTest, DeadlineEndsTheWaitButNotTheWork) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  const auto late =
      Await(events_->Record(Event("a"), clock_.Mono() + std::chrono::milliseconds(20)));
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kDeadlineExceeded, "STORAGE_UNAVAILABLE"));
  gate.Open();
  const auto again = Record(Event("a"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->cursor, Nth(1));
}

TEST_F(StorageThreadTest, NewEventsAreAnnouncedInOrderAlsoThoseThatNobodyWaitsFor) {
  Open();
  std::vector<std::int64_t> heard;
  std::string who;
  events_->SetListener([&](const CommittedEvent& event) {
    heard.push_back(event.cursor);
    who = event.account + " " + event.openid;
  });
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  EXPECT_THAT(Await(events_->Record(Event("late"), clock_.Mono())),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(heard.empty());
  auto second = Go(events_->Record(Event("in time"), Later()));
  auto repeat = Go(events_->Record(Event("late"), Later()));
  model::NewEvent wrong = Event("wrong");
  wrong.account.clear();
  EXPECT_THAT(Record(wrong), StatusIs(absl::StatusCode::kInvalidArgument));
  gate.Open();
  RunUntil([&] { return second->has_value() && repeat->has_value(); });
  EXPECT_THAT(heard, ::testing::ElementsAre(Nth(1), Nth(2)));
  EXPECT_EQ(who, "main oABC");
  EXPECT_EQ(events_->first_cursor(), 0);
  Close();
  Open();
  EXPECT_EQ(events_->first_cursor(), Nth(2));
}

// As after a commit that was taken for failed: the event is there, and nobody was told.
TEST_F(StorageThreadTest, AnEventThatNobodyWasToldOfIsAnnouncedWithItsRepeat) {
  Open();
  std::vector<std::int64_t> heard;
  ASSERT_TRUE(Record(Event("early")).ok());
  ASSERT_TRUE(Record(Event("untold")).ok());
  events_->SetListener([&](const CommittedEvent& event) { heard.push_back(event.cursor); });
  EXPECT_TRUE(Record(Event("untold"))->repeated);
  EXPECT_THAT(heard, ::testing::ElementsAre(Nth(2)));
  EXPECT_TRUE(Record(Event("untold"))->repeated);
  EXPECT_TRUE(Record(Event("early"))->repeated) << "whoever has read the later one has seen it";
  EXPECT_THAT(heard, ::testing::ElementsAre(Nth(2)));
}

TEST_F(StorageThreadTest, CancelledTaskEndsAtOnce) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  support::FakeClock unused(loop_);
  support::Started<absl::StatusOr<Recorded>> task(loop_, unused,
                                                  events_->Record(Event("a"), Later()));
  EXPECT_FALSE(task.done());
  task.Cancel();
  EXPECT_THAT(task.value(), StatusIs(absl::StatusCode::kCancelled));
  gate.Open();
  RunUntil([&] { return blocked->has_value(); });
}

TEST_F(StorageThreadTest, StopDoesWhatWaitsAndThenRefuses) {
  Open();
  Gate gate;
  auto blocked = Go(Blocked(gate));
  RunDry();
  gate.AwaitReached();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
  for (int i = 0; i < 2000; ++i) {
    results.push_back(Go(events_->Record(Event(absl::StrCat("k", i)), Later())));
  }
  RunDry();
  gate.Open();
  EXPECT_TRUE(thread_->Stop(absl::InfiniteDuration()));
  RunDry();
  for (const auto& result : results) {
    ASSERT_TRUE(result->has_value());
    EXPECT_THAT(**result, IsOk());
  }
  EXPECT_THAT(Record(Event("late")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "2000");
  // Closed in order: everything is in the one file.
  EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
}

}  // namespace
}  // namespace hongyan::storage
