// Rounds of housekeeping on a real storage, under clocks that are right and wrong.
#include "server/core/housekeeping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/async/event_loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_until_done.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_storage.h"

namespace hongyan::core {
namespace {

using support::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kDay = absl::Hours(24);

class HousekeepingTest : public ::testing::Test {
 protected:
  HousekeepingTest() { Restart(); }
  void Restart(Retention retention = {30 * kDay, 30 * kDay}) {
    housekeeping_.emplace(retention, storage_.events(), storage_.subscribers(), age_clock_,
                          subscribers_, clock_);
  }
  async::MonoTime Soon() const { return async::After(clock_.Mono(), absl::Hours(1)); }
  void Round() {
    const std::optional<int> done = support::RunUntilDone(loop_, Removed());
    ASSERT_TRUE(done);
  }
  async::Task<std::optional<int>> Removed() {
    co_await housekeeping_->RemoveOld(Soon());
    co_return 0;
  }
  // So much time passes, with rounds in it.
  void Run(absl::Duration time) {
    for (absl::Duration run; run < time; run += absl::Hours(6)) {
      clock_.Advance(absl::Hours(6));
      Round();
    }
  }
  void Record(const std::string& key) {
    model::NewEvent event;
    event.account = "main";
    event.openid = "o" + key;
    event.type = "text";
    event.receive_time = clock_.Now();
    event.dedup_key = key;
    event.body = "<xml/>";
    ASSERT_THAT(support::RunUntilDone(loop_, storage_.events().Record(std::move(event), Soon())),
                IsOk());
  }
  // Somebody who left now.
  void Leave(const std::string& openid) {
    auto& store = storage_.subscribers();
    ASSERT_THAT(support::RunUntilDone(loop_, store.SeeFollowers("main", {openid}, clock_.Now(),
                                                                clock_.Now(), Soon())),
                IsOk());
    model::User user;
    user.openid = openid;
    user.subscribed = true;
    user.profile.unionid = "u" + openid;
    ASSERT_THAT(support::RunUntilDone(
                    loop_, store.Update("main", {user}, clock_.Now(), clock_.Now(), Soon())),
                IsOk());
    user.subscribed = false;
    ASSERT_THAT(support::RunUntilDone(
                    loop_, store.Update("main", {user}, clock_.Now(), clock_.Now(), Soon())),
                IsOk());
  }
  std::vector<std::string> Events() {
    const auto page = support::RunUntilDone(loop_, storage_.events().List({}, 0, 100, Soon()));
    std::vector<std::string> openids;
    for (const auto& event : page->events) openids.push_back(event.openid);
    return openids;
  }
  // Who has left and still has a profile.
  std::vector<std::string> Profiles() {
    storage::SubscriberFilter filter;
    filter.account = "main";
    const auto page =
        support::RunUntilDone(loop_, storage_.subscribers().List(filter, "", 100, Soon()));
    std::vector<std::string> openids;
    for (const auto& who : page->subscribers) {
      if (!who.profile.unionid.empty()) openids.push_back(who.openid);
    }
    return openids;
  }
  // Whether the event's repeat would be told apart.
  bool KnowsKey(const std::string& key) {
    model::NewEvent event;
    event.account = "main";
    event.type = "text";
    event.receive_time = clock_.Now();
    event.dedup_key = key;
    return support::RunUntilDone(loop_, storage_.events().Record(std::move(event), Soon()))
        ->repeated;
  }

  async::EventLoop loop_;
  support::FakeClock clock_{loop_};
  base::Metrics metrics_;
  async::TaskGroup group_{loop_.executor(), clock_, 8};
  Accounts accounts_;
  support::TempStorage storage_{loop_, clock_};
  storage::AgeClockStore age_clock_{storage_.thread()};
  StoredRecipients recipients_{storage_.subscribers(), clock_, group_, metrics_};
  Subscribers subscribers_{accounts_, storage_.subscribers(), recipients_,
                           clock_,    loop_.executor(),       group_};
  std::optional<Housekeeping> housekeeping_;
};

TEST_F(HousekeepingTest, WhatIsOldGoesInTime) {
  Round();
  Record("Old");
  Leave("oLeft");
  Run(29 * kDay);
  Record("New");
  EXPECT_THAT(Events(), ElementsAre("oOld", "oNew"));
  EXPECT_THAT(Profiles(), ElementsAre("oLeft"));
  Run(2 * kDay);
  EXPECT_THAT(Events(), ElementsAre("oNew"));
  EXPECT_THAT(Profiles(), IsEmpty());
}

TEST_F(HousekeepingTest, A06_C01_StartWithAWrongClockRemovesNothing) {
  Round();
  Record("A");
  Leave("oLeft");
  for (const absl::Duration wrong : {31 * kDay, 9999 * kDay}) {
    clock_.JumpWallTime(wrong);
    Restart();
    Round();
    Run(absl::Hours(12));
    clock_.JumpWallTime(-wrong);
    Restart();
    Round();
    EXPECT_THAT(Events(), ElementsAre("oA"));
    EXPECT_THAT(Profiles(), ElementsAre("oLeft"));
  }
  EXPECT_TRUE(KnowsKey("A"));
}

TEST_F(HousekeepingTest, A06_ClockAheadByLessThanADayRemovesNothingThatIsKeptForHours) {
  const Retention hours[] = {{absl::Hours(1), 30 * kDay}, {30 * kDay, absl::Hours(1)}};
  for (const Retention& retention : hours) {
    Restart(retention);
    Round();
    Record("A");
    Leave("oLeft");
    clock_.JumpWallTime(absl::Hours(23));
    Restart(retention);
    Round();
    clock_.JumpWallTime(-absl::Hours(23));
    Restart(retention);
    Round();
    EXPECT_THAT(Events(), ElementsAre("oA"));
    EXPECT_THAT(Profiles(), ElementsAre("oLeft"));
  }
}

// A crash before the first round has noted the time.
TEST_F(HousekeepingTest, A06_WithoutANotedTimeTheNewestRecordTellsIt) {
  Record("A");
  Leave("oLeft");
  clock_.JumpWallTime(31 * kDay);
  Round();
  EXPECT_THAT(Events(), ElementsAre("oA"));
  EXPECT_THAT(Profiles(), ElementsAre("oLeft"));
}

TEST_F(HousekeepingTest, A06_AfterAMonthOffWhatIsOldGoesWithinADay) {
  Round();
  Record("A");
  Leave("oLeft");
  clock_.JumpWallTime(31 * kDay);
  Restart();
  Round();
  Record("B");
  Run(absl::Hours(18));
  EXPECT_THAT(Events(), ElementsAre("oA", "oB"));
  Run(absl::Hours(12));
  EXPECT_THAT(Events(), ElementsAre("oB"));
  EXPECT_THAT(Profiles(), IsEmpty());
}

TEST_F(HousekeepingTest, A06_WhereTheTimeCannotBeNotedNothingIsRemoved) {
  Round();
  Record("A");
  storage_.thread().Stop();
  Run(absl::Hours(6));  // logs, and ends
}

}  // namespace
}  // namespace hongyan::core
