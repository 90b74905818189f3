// The disk fails, and comes back.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;

class DiskFaultTest : public StorageTest {
 protected:
  using Result = std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>;

  // Several at once, so that they share transactions; notes the keys of those that were answered.
  std::vector<absl::Status> RecordSome(const std::string& prefix, int count) {
    std::vector<Result> results;
    for (int i = 0; i < count; ++i) {
      results.push_back(Go(events_->Record(Event(absl::StrCat(prefix, i)), Later())));
    }
    RunUntil([&] {
      for (const Result& result : results) {
        if (!result->has_value()) return false;
      }
      return true;
    });
    std::vector<absl::Status> statuses;
    for (int i = 0; i < count; ++i) {
      const auto& result = **results[static_cast<std::size_t>(i)];
      statuses.push_back(result.status());
      if (result.ok()) answered_.push_back(absl::StrCat(prefix, i));
    }
    return statuses;
  }
  // By itself, within its own interval; each look takes until the thread has answered.
  void AwaitHealthy() {
    const async::MonoTime end = Later();
    while (!thread_->health().ok() && clock_.Mono() < end) (void)List({}, 0, 1);
    EXPECT_THAT(thread_->health(), IsOk());
  }
  // Every answered event is there, each cursor once, in a sound file.
  void ExpectNothingLost() {
    EXPECT_EQ(Sql("PRAGMA integrity_check"), "ok");
    const std::vector<std::string> keys =
        absl::StrSplit(Sql("SELECT dedup_key FROM event_keys"), '\n');
    EXPECT_THAT(keys, ::testing::IsSupersetOf(answered_));
    EXPECT_EQ(Sql("SELECT COUNT(*) = COUNT(DISTINCT seq) FROM events"), "1");
    EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), Sql("SELECT COUNT(*) FROM event_keys"));
  }

  std::vector<std::string> answered_;
};

TEST_F(DiskFaultTest, D02_FullDiskFailsWithStorageFullAndRecovers) {
  for (int nth = 1; nth <= 12; ++nth) {
    Open();
    RecordSome(absl::StrCat("before", nth, "_"), 3);
    disk_faults::FailWrites("hongyan.db-wal", nth, ENOSPC, true);
    bool full = false;
    for (int round = 0; round < 4; ++round) {
      for (const absl::Status& status : RecordSome(absl::StrCat("n", nth, "r", round, "_"), 3)) {
        if (status.ok()) continue;
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "STORAGE_FULL"));
        full = true;
      }
    }
    EXPECT_TRUE(full) << nth;
    EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kResourceExhausted, "STORAGE_FULL"));
    EXPECT_THAT(List({}, 0), IsOk());  // reading goes on
    disk_faults::Clear();
    AwaitHealthy();
    for (const absl::Status& status : RecordSome(absl::StrCat("after", nth, "_"), 3)) {
      EXPECT_THAT(status, IsOk());
    }
    Close();
    ExpectNothingLost();
  }
}

TEST_F(DiskFaultTest, D02_MainFileThatCannotGrowLosesNothing) {
  Open();
  RecordSome("before", 50);
  disk_faults::FailWrites("hongyan.db", 1, ENOSPC, true);
  RecordSome("during", 50);
  disk_faults::Clear();
  AwaitHealthy();
  for (const absl::Status& status : RecordSome("after", 50)) EXPECT_THAT(status, IsOk());
  Close();
  ExpectNothingLost();
}

TEST_F(DiskFaultTest, D03_FailedSyncFailsItsBatchAndIsNeverTakenForDone) {
  for (int nth = 1; nth <= 6; ++nth) {
    Open();
    RecordSome(absl::StrCat("before", nth, "_"), 3);
    disk_faults::FailSync(nth);
    int failed = 0;
    for (int round = 0; round < 8; ++round) {
      for (const absl::Status& status : RecordSome(absl::StrCat("n", nth, "r", round, "_"), 3)) {
        if (status.ok()) continue;
        EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
        ++failed;
      }
    }
    EXPECT_GT(failed, 0) << nth;
    EXPECT_GT(thread_->stats().reopened, 0) << nth;
    AwaitHealthy();
    Close();
    ExpectNothingLost();
  }
}

TEST_F(DiskFaultTest, D03_WhatASyncGaveUpIsWrittenAgainBeforeARepeatIsAnswered) {
  disk_faults::KeepDurable();
  Open();
  RecordSome("before", 3);
  disk_faults::FailSync(1);
  EXPECT_THAT(Record(Event("x")), StatusIs(absl::StatusCode::kUnavailable));
  // WeChat repeats it, and now the answer is good. Then the power goes.
  ASSERT_THAT(Record(Event("x")), IsOk());
  const std::string left = folder_ + "/left.db";
  std::filesystem::copy(path_ + ".durable", left);
  std::filesystem::copy(path_ + "-wal.durable", left + "-wal");
  EXPECT_EQ(Sqlite(left, "SELECT COUNT(*) FROM event_keys"), "4");
  EXPECT_EQ(Sqlite(left, "SELECT COUNT(*) FROM event_keys WHERE dedup_key = 'x'"), "1");
  EXPECT_EQ(Sqlite(left, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(thread_->stats().reopened, 1);
}

TEST_F(DiskFaultTest, D04_FailedAndTornWritesFailTheirBatch) {
  for (int nth = 1; nth <= 10; ++nth) {
    for (const bool torn : {false, true}) {
      Open();
      const std::string prefix = absl::StrCat(torn ? "torn" : "plain", nth, "_");
      RecordSome("before" + prefix, 3);
      if (torn) {
        disk_faults::TearWrite("hongyan.db-wal", nth);
      } else {
        disk_faults::FailWrites("hongyan.db-wal", nth, EIO, false);
      }
      int failed = 0;
      for (int round = 0; round < 8; ++round) {
        for (const absl::Status& status : RecordSome(absl::StrCat(prefix, round, "_"), 3)) {
          if (status.ok()) continue;
          EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
          ++failed;
        }
      }
      EXPECT_GT(failed, 0) << prefix;
      AwaitHealthy();
      disk_faults::Clear();
      Close();
      ExpectNothingLost();
    }
  }
}

TEST_F(DiskFaultTest, D10_SlowSyncsMakeGreaterGroupsAndRefuseWhatIsTooMuch) {
  limits_.waiting_writes = 300;
  Open();
  disk_faults::DelaySyncs(500);
  const std::int64_t commits = thread_->stats().commits;
  const int syncs = disk_faults::Syncs();
  const Result first = Go(events_->Record(Event("first"), Later()));
  RunDry();
  while (disk_faults::Syncs() == syncs) std::this_thread::yield();
  std::vector<Result> results;
  for (int i = 0; i < 1000; ++i) {
    results.push_back(Go(events_->Record(Event(absl::StrCat("k", i)), Later())));
  }
  // Refused at once, while the disk is still busy with the first.
  const Result& last = results.back();
  RunUntil([&] { return last->has_value(); });
  EXPECT_FALSE(first->has_value());
  EXPECT_THAT((*last)->status(), StatusIs(absl::StatusCode::kResourceExhausted, "OVERLOADED"));
  RunUntil([&] {
    return std::all_of(results.begin(), results.end(),
                       [](const Result& r) { return r->has_value(); });
  });
  EXPECT_THAT((*first)->status(), IsOk());
  const auto accepted = std::count_if(results.begin(), results.end(),
                                      [](const Result& result) { return (*result)->ok(); });
  EXPECT_EQ(accepted, 299);
  EXPECT_LE(thread_->stats().commits - commits, 3);
  Close();
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), std::to_string(accepted + 1));
}

}  // namespace
}  // namespace hongyan::storage
