// The import of followers from a scripted platform into a real storage. Time is the test's: nothing
// here takes any, and no limit can pass because the machine is slow.
#include "server/core/subscribers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/async/event_loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/run_until_done.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_storage.h"
#include "tests/support/wechat_replies.h"

namespace hongyan::core {
namespace {

using support::IsOk;
using support::Json;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kUserListPath[] = "/cgi-bin/user/get";

std::string Openid(int i) { return absl::StrCat("o", 100000 + i); }

class SubscribersTest : public ::testing::Test {
 protected:
  SubscribersTest() {
    http_.Always(support::kStableTokenPath, support::Token("t1"));
    accounts_.Add({"main", "wx-main", base::Secret("s"), false}, transport_, clock_, metrics_,
                  group_);
    http_.Respond(support::kUserBatchPath, [this](const support::FakeHttpClient::Request& request) {
      std::vector<std::string> entries;
      for (const absl::string_view part : absl::StrSplit(request.body, "\"openid\":\"")) {
        if (!absl::StartsWith(part, "o1")) continue;
        const absl::string_view openid = part.substr(0, part.find('"'));
        if (strangers_.contains(openid)) return support::Refuses(stranger_errcode_);
        if (left_out_.contains(openid)) continue;
        if (const auto odd = odd_rows_.find(openid); odd != odd_rows_.end()) {
          entries.push_back(odd->second);
          continue;
        }
        entries.push_back(absl::StrCat(R"({"subscribe":1,"subscribe_time":1700000000,"openid":")",
                                       openid, R"(","unionid":"u-)", openid, R"("})"));
      }
      return Json(absl::StrCat(R"({"user_info_list":[)", absl::StrJoin(entries, ","), "]}"));
    });
  }
  void TearDown() override {
    group_.CancelAll();
    support::RunUntilDone(loop_, group_.Drain(Soon()));
  }

  async::MonoTime Soon() const { return async::After(clock_.Mono(), absl::Seconds(30)); }
  // A page of WeChat's list: openids [from, to).
  static support::Reply Page(int from, int to, int total, const std::string& next) {
    std::vector<std::string> openids;
    for (int i = from; i < to; ++i) openids.push_back(absl::StrCat("\"", Openid(i), "\""));
    return Json(absl::StrCat(R"({"total":)", total, R"(,"count":)", to - from,
                             openids.empty() ? "" : R"(,"data":{"openid":[)",
                             absl::StrJoin(openids, ","), openids.empty() ? "" : "]}",
                             R"(,"next_openid":")", next, R"("})"));
  }
  absl::Status Sync(bool restart = false, int hear = 1000) {
    progress_.clear();
    clock_.Advance(absl::Seconds(1));  // what was seen before was seen before this import
    return support::RunUntilDone(loop_,
                                 subscribers_.Sync("", restart, {Soon(), false},
                                                   [this, hear](Subscribers::Progress progress) {
                                                     return Hear(*this, progress, hear);
                                                   }));
  }
  static async::Task<bool> Hear(SubscribersTest& test, Subscribers::Progress progress, int hear) {
    test.progress_.push_back(progress);
    co_return static_cast<int>(test.progress_.size()) < hear;
  }
  // These, with profiles that WeChat told then.
  absl::Status StoreAsOf(absl::Time told, const std::vector<int>& people) {
    for (const int i : people) {
      absl::Status status =
          support::RunUntilDone(loop_, storage_.subscribers().Delete("main", Openid(i), Soon()))
              .status();
      if (status.ok()) {
        status = support::RunUntilDone(loop_, storage_.subscribers().SeeFollowers(
                                                  "main", {Openid(i)}, told, told, Soon()))
                     .status();
      }
      model::User user;
      user.openid = Openid(i);
      user.subscribed = true;
      if (status.ok()) {
        status = support::RunUntilDone(
                     loop_, storage_.subscribers().Update("main", {user}, told, told, Soon()))
                     .status();
      }
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  // The openids of the nth request of profiles.
  std::vector<std::string> Asked(std::size_t n) const {
    std::vector<std::string> openids;
    const std::string body = http_.requests(support::kUserBatchPath).at(n).body;
    for (const absl::string_view part : absl::StrSplit(body, "\"openid\":\"")) {
      if (absl::StartsWith(part, "o1")) openids.emplace_back(part.substr(0, part.find('"')));
    }
    return openids;
  }
  void UntilAsked(const std::string& path) {
    while (http_.count(path) == 0) loop_.context().run_one();
  }
  std::vector<std::string> Stored(std::optional<bool> subscribed = true) {
    storage::SubscriberFilter filter;
    filter.account = "main";
    filter.subscribed = subscribed;
    auto page = support::RunUntilDone(loop_, storage_.subscribers().List(filter, "", 1000, Soon()));
    std::vector<std::string> found;
    for (const auto& who : page->subscribers) {
      found.push_back(absl::StrCat(who.openid, "/", who.profile.unionid));
    }
    return found;
  }

  async::EventLoop loop_;
  support::FakeClock clock_{loop_};
  base::Metrics metrics_;
  support::FakeHttpClient http_{loop_, clock_};
  async::TaskGroup group_{loop_.executor(), clock_, 64};
  wechat::ApiTransport transport_{
      http_, clock_, metrics_, {"https://api.example"}, absl::Seconds(5)};
  Accounts accounts_;
  support::TempStorage storage_{loop_, clock_};
  StoredRecipients recipients_{storage_.subscribers(), clock_, group_, metrics_};
  Subscribers subscribers_{accounts_, storage_.subscribers(), recipients_,
                           clock_,    loop_.executor(),       group_};
  std::vector<Subscribers::Progress> progress_;
  std::set<std::string, std::less<>> strangers_;  // WeChat doesn't know these openids
  int stranger_errcode_ = 40003;
  std::set<std::string, std::less<>> left_out_;               // nor says that it doesn't
  std::map<std::string, std::string, std::less<>> odd_rows_;  // what it says of these instead
};

TEST_F(SubscribersTest, ImportReadsTheListThenTheProfiles) {
  http_.Next(kUserListPath, Page(0, 2, 3, Openid(1)));
  http_.Next(kUserListPath, Page(2, 3, 3, Openid(2)));
  http_.Next(kUserListPath, Page(0, 0, 3, ""));  // the last full page names a next one all the same
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_THAT(Stored(), ElementsAre("o100000/u-o100000", "o100001/u-o100001", "o100002/u-o100002"));
  ASSERT_FALSE(progress_.empty());
  EXPECT_TRUE(progress_.back().done);
  EXPECT_EQ(progress_.back().total, 3);
  EXPECT_EQ(progress_.back().listed, 3);
  EXPECT_EQ(progress_.back().fetched, 3);
  EXPECT_EQ(http_.count(support::kUserBatchPath), 1u);
}

TEST_F(SubscribersTest, InterruptedImportGoesOnWhereItWas) {
  http_.Next(kUserListPath, Page(0, 2, 4, Openid(1)));
  EXPECT_THAT(Sync(false, 1), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  http_.Next(kUserListPath, Page(2, 4, 4, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(http_.count(kUserListPath), 2u);
  EXPECT_TRUE(absl::StrContains(http_.requests(kUserListPath)[1].query,
                                absl::StrCat("next_openid=", Openid(1))));
  EXPECT_EQ(progress_.back().listed, 4);
  EXPECT_EQ(Stored().size(), 4u);
}

TEST_F(SubscribersTest, WhoIsNoLongerInTheListHasLeft) {
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  http_.Next(kUserListPath, Page(1, 3, 2, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().left, 1);
  EXPECT_THAT(Stored(), ElementsAre("o100001/u-o100001", "o100002/u-o100002"));
  EXPECT_EQ(Stored(false).size(), 1u);
  // Profiles that are there are not asked again: the quota is small. They count all the same.
  EXPECT_EQ(http_.count(support::kUserBatchPath), 1u);
  EXPECT_EQ(progress_.back().fetched, 2);
}

// Else everybody whom it saw by the clock that was set back would count as not seen since it began.
TEST_F(SubscribersTest, A06_C01_ClockThatIsSetBackDuringAnImportMakesNobodyLeave) {
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  for (const absl::Duration back : {absl::Seconds(2), absl::Hours(2), 31 * absl::Hours(24)}) {
    clock_.Advance(absl::Hours(25));
    http_.Respond(kUserListPath, [&](const auto& request) {
      if (absl::StrContains(request.query, "next_openid=")) return Page(2, 3, 2, "");
      clock_.JumpWallTime(-back);
      return Page(1, 2, 2, Openid(1));
    });
    ASSERT_THAT(Sync(), IsOk());
    EXPECT_THAT(Stored(), ElementsAre("o100001/u-o100001", "o100002/u-o100002")) << back;
  }
  // Who really left had been seen before the clock went back.
  EXPECT_EQ(Stored(false).size(), 1u);
}

TEST_F(SubscribersTest, A06_ImportThatBeganInTheFutureIsBegunAnew) {
  clock_.JumpWallTime(absl::Hours(48));
  http_.Next(kUserListPath, Page(0, 2, 4, Openid(1)));
  EXPECT_THAT(Sync(false, 1), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  clock_.JumpWallTime(-absl::Hours(48));
  http_.Next(kUserListPath, Page(0, 4, 4, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_FALSE(absl::StrContains(http_.requests(kUserListPath)[1].query, "next_openid="));
  EXPECT_EQ(Stored().size(), 4u);
}

TEST_F(SubscribersTest, A05_PlaceInTheListThatWechatNoLongerKnowsBeginsItAnew) {
  http_.Next(kUserListPath, Page(0, 2, 4, Openid(1)));
  EXPECT_THAT(Sync(false, 1), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  http_.Next(kUserListPath, support::Refuses(40003));
  http_.Next(kUserListPath, Page(0, 4, 4, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(http_.count(kUserListPath), 3u);
  EXPECT_EQ(progress_.back().listed, 4);
  EXPECT_EQ(Stored().size(), 4u);
  // At its beginning it is an error.
  clock_.Advance(absl::Hours(25));
  http_.Next(kUserListPath, support::Refuses(40003));
  EXPECT_FALSE(Sync().ok());
  EXPECT_EQ(http_.count(kUserListPath), 4u);
}

TEST_F(SubscribersTest, OldProfilesAreReadAgain) {
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  ASSERT_THAT(StoreAsOf(clock_.Now() - kFreshProfile - absl::Seconds(1), {1}), IsOk());
  ASSERT_THAT(StoreAsOf(clock_.Now() - kFreshProfile + absl::Minutes(1), {2}), IsOk());
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_THAT(Asked(1), ElementsAre(Openid(1)));
  EXPECT_EQ(progress_.back().fetched, 3);
}

TEST_F(SubscribersTest, RestartReadsAllProfilesAgainAndEachOnce) {
  http_.Next(kUserListPath, Page(0, 1500, 1500, ""));
  ASSERT_THAT(Sync(), IsOk());
  ASSERT_EQ(http_.count(support::kUserBatchPath), 15u);
  // Broken off after the list and the first thousand.
  http_.Next(kUserListPath, Page(0, 1500, 1500, ""));
  EXPECT_THAT(Sync(true, 2), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  ASSERT_EQ(http_.count(support::kUserBatchPath), 25u);
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(http_.count(support::kUserBatchPath), 30u);
  EXPECT_EQ(http_.count(kUserListPath), 2u);
  EXPECT_EQ(progress_.back().fetched, 1500);
}

TEST_F(SubscribersTest, WhoHasLeftIsAskedNothingAndCountedOnce) {
  http_.Next(kUserListPath, Page(0, 1100, 1100, ""));
  ASSERT_THAT(Sync(), IsOk());
  http_.Next(kUserListPath, Page(1, 1100, 1099, ""));
  EXPECT_THAT(Sync(true, 2), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().left, 1);
  EXPECT_EQ(http_.count(support::kUserBatchPath), 11u + 11u);
}

TEST_F(SubscribersTest, ProfilesAreAskedAHundredAtATime) {
  http_.Next(kUserListPath, Page(0, 250, 250, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(http_.count(support::kUserBatchPath), 3u);
  EXPECT_EQ(Stored().size(), 250u);
}

TEST_F(SubscribersTest, ListThatCantBeReadIsTheErrorAndNobodyLeft) {
  http_.Next(kUserListPath, Page(0, 1, 1, ""));
  ASSERT_THAT(Sync(), IsOk());
  http_.Next(kUserListPath, support::Refuses(48001));
  EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kPermissionDenied, "API_UNAUTHORIZED"));
  EXPECT_EQ(Stored().size(), 1u);
  EXPECT_THAT(Stored(false), IsEmpty());
}

TEST_F(SubscribersTest, OpenidThatWechatDoesNotKnowHoldsUpNobodyElse) {
  for (const int errcode : {40003, 40032}) {
    stranger_errcode_ = errcode;
    strangers_ = {Openid(7), Openid(150), Openid(151)};
    const std::size_t before = http_.count(support::kUserBatchPath);
    http_.Next(kUserListPath, Page(0, 250, 250, ""));
    ASSERT_THAT(Sync(), IsOk()) << errcode;
    EXPECT_EQ(progress_.back().fetched, 247);
    EXPECT_LE(http_.count(support::kUserBatchPath), before + 3 + 2 * 7 * 3);
    const std::size_t after = http_.count(support::kUserBatchPath);
    // They are not asked again at once.
    http_.Next(kUserListPath, Page(0, 250, 250, ""));
    ASSERT_THAT(Sync(), IsOk());
    EXPECT_TRUE(support::RunUntilDone(loop_, subscribers_.KeepUp(Soon())));
    EXPECT_EQ(http_.count(support::kUserBatchPath), after);
    for (int i = 0; i < 250; ++i) {
      ASSERT_THAT(support::RunUntilDone(loop_, subscribers_.Delete("main", Openid(i), Soon())),
                  IsOk());
    }
  }
}

TEST_F(SubscribersTest, KeepUpGetsPastAStranger) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(
        support::RunUntilDone(loop_, storage_.subscribers().SeeFollowers(
                                         "main", {Openid(i)}, clock_.Now(), clock_.Now(), Soon())),
        IsOk());
  }
  strangers_ = {Openid(1)};
  left_out_ = {Openid(2)};
  ASSERT_THAT(support::RunUntilDone(loop_, accounts_.all().front().token.Get(Soon())), IsOk());
  EXPECT_TRUE(support::RunUntilDone(loop_, subscribers_.KeepUp(Soon())));
  EXPECT_THAT(Stored(), ElementsAre("o100000/u-o100000", "o100001/", "o100002/"));
  const std::size_t asked = http_.count(support::kUserBatchPath);
  EXPECT_TRUE(support::RunUntilDone(loop_, subscribers_.KeepUp(Soon())));
  EXPECT_EQ(http_.count(support::kUserBatchPath), asked);
}

// It must end the task then: what it waits for next can't be cancelled any more.
TEST_F(SubscribersTest, KeepUpSaysThatItWasCancelledEvenWhenWechatFailed) {
  ASSERT_THAT(
      support::RunUntilDone(loop_, storage_.subscribers().SeeFollowers(
                                       "main", {Openid(0)}, clock_.Now(), clock_.Now(), Soon())),
      IsOk());
  ASSERT_THAT(support::RunUntilDone(loop_, accounts_.all().front().token.Get(Soon())), IsOk());
  http_.Always(support::kUserBatchPath,
               support::Refuses(-1));  // so that it waits for its next attempt
  std::optional<bool> went_on;
  async::asio::cancellation_signal cancel;
  async::asio::co_spawn(
      loop_.executor(), subscribers_.KeepUp(Soon()),
      async::asio::bind_cancellation_slot(
          cancel.slot(), [&](std::exception_ptr, bool result) { went_on = result; }));
  UntilAsked(support::kUserBatchPath);
  loop_.context().poll();
  loop_.Post([&] { cancel.emit(async::asio::cancellation_type::terminal); });
  while (!went_on.has_value()) loop_.context().run_one();
  EXPECT_FALSE(*went_on);
}

TEST_F(SubscribersTest, WhenWechatKnowsNobodyTheImportEnds) {
  for (int i = 0; i < 3000; ++i) strangers_.insert(Openid(i));
  http_.Next(kUserListPath, Page(0, 3000, 3000, ""));
  EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kInvalidArgument, "INVALID_OPENID"));
  EXPECT_LT(http_.count(support::kUserBatchPath), 2500u);
}

TEST_F(SubscribersTest, FetchOnItsWayBringsNobodyBackWhoWasDeleted) {
  ASSERT_THAT(
      support::RunUntilDone(loop_, storage_.subscribers().SeeFollowers(
                                       "main", {Openid(0)}, clock_.Now(), clock_.Now(), Soon())),
      IsOk());
  http_.Next(
      support::kUserPath,
      support::Held(Json(R"({"subscribe":1,"subscribe_time":1700000000,"openid":"o100000"})")));
  subscribers_.Fetch("main", Openid(0));
  UntilAsked(support::kUserPath);
  ASSERT_THAT(support::RunUntilDone(loop_, subscribers_.Delete("main", Openid(0), Soon())), IsOk());
  http_.Release();
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  EXPECT_THAT(Stored(std::nullopt), IsEmpty());
}

TEST_F(SubscribersTest, StrangerIsFetchedOnce) {
  ASSERT_THAT(
      support::RunUntilDone(loop_, storage_.subscribers().SeeFollowers(
                                       "main", {Openid(0)}, clock_.Now(), clock_.Now(), Soon())),
      IsOk());
  http_.Always(support::kUserPath, support::Refuses(40003));
  subscribers_.Fetch("main", Openid(0));
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  EXPECT_EQ(http_.count(support::kUserPath), 1u);
}

TEST_F(SubscribersTest, ListThatIsNotWholeMakesNobodyLeave) {
  http_.Next(kUserListPath, Page(0, 300, 300, ""));
  ASSERT_THAT(Sync(), IsOk());
  for (const int listed : {0, 100, 294}) {
    http_.Next(kUserListPath, Page(0, listed, 300, ""));
    EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kUnavailable, "WECHAT_UNREACHABLE")) << listed;
    EXPECT_EQ(Stored().size(), 300u);
    EXPECT_THAT(Stored(false), IsEmpty());
  }
  // The next import begins anew. The counts may differ a little.
  http_.Next(kUserListPath, Page(0, 295, 300, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().left, 5);
}

TEST_F(SubscribersTest, WhoLeavesWhileTheListIsReadDoesNotMakeItIncomplete) {
  http_.Next(kUserListPath, Page(0, 10, 30, Openid(9)));
  http_.Next(kUserListPath, Page(10, 20, 20, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().listed, 20);
  // In a small account one of two may be gone, but not both.
  http_.Next(kUserListPath, Page(0, 0, 1, ""));
  EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
}

TEST_F(SubscribersTest, AnswersThatAreNoListMakeNobodyLeave) {
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  for (const char* body : {"{}", R"({"errcode":0,"errmsg":"ok"})", R"({"total":3,"count":0})",
                           R"({"total":-1,"count":0})", R"({"total":0,"count":3})"}) {
    http_.Always(kUserListPath, Json(body));
    EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kUnavailable)) << body;
    EXPECT_EQ(Stored().size(), 3u) << body;
  }
}

TEST_F(SubscribersTest, ProfileThatChangedIsAskedAgainOfWhomWeKnow) {
  http_.Next(kUserListPath, Page(0, 1, 1, ""));
  ASSERT_THAT(Sync(), IsOk());
  http_.Always(
      support::kUserPath,
      Json(R"({"subscribe":1,"subscribe_time":1700000000,"openid":"o100000","unionid":"u2"})"));
  subscribers_.Fetch("main", Openid(0));
  subscribers_.Fetch("main", "oStranger");
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  EXPECT_THAT(Stored(std::nullopt), ElementsAre("o100000/u2"));
  EXPECT_EQ(http_.count(support::kUserPath), 1u);
}

TEST_F(SubscribersTest, A12_OddRowsHoldUpNobodyElse) {
  odd_rows_ = {{Openid(7), R"({"subscribe":1,"openid":"o100007","unionid":"u7","sex":""})"},
               {Openid(150), R"({"subscribe":1,"openid":7})"},
               {Openid(151), "null"},
               {Openid(152), R"({"openid":"o100152","unionid":"u152"})"}};
  http_.Next(kUserListPath, Page(0, 250, 250, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_TRUE(progress_.back().done);
  EXPECT_EQ(progress_.back().listed, 250);
  EXPECT_EQ(progress_.back().fetched, 247);
  EXPECT_EQ(progress_.back().unreadable, 3);
  EXPECT_EQ(progress_.back().left, 0);
  EXPECT_EQ(http_.count(support::kUserBatchPath), 3u) << "nobody is asked once more for it";
  const auto stored = Stored();
  ASSERT_EQ(stored.size(), 250u);
  EXPECT_EQ(stored[7], "o100007/u7");
  EXPECT_EQ(stored[150], "o100150/");
  EXPECT_EQ(stored[152], "o100152/") << "nor is he taken to have left";
  // They are not asked again at once.
  http_.Next(kUserListPath, Page(0, 250, 250, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(http_.count(support::kUserBatchPath), 3u);
}

TEST_F(SubscribersTest, A12_NobodyHasLeftByAListOfWhichAPartCantBeRead) {
  http_.Next(kUserListPath, Page(0, 3, 3, ""));
  ASSERT_THAT(Sync(), IsOk());
  const char* odd =
      R"({"total":3,"count":3,"data":{"openid":["o100000",null,7]},"next_openid":""})";
  http_.Next(kUserListPath, Json(odd));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().unreadable, 2);
  EXPECT_EQ(progress_.back().left, 0);
  EXPECT_EQ(Stored().size(), 3u);
  // Nor when it is interrupted after such a page, and goes on later.
  http_.Next(kUserListPath, Json(odd));
  EXPECT_THAT(Sync(false, 1), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  http_.Next(kUserListPath, Json(odd));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(Stored().size(), 3u);
  // A list that is whole shows who has left.
  http_.Next(kUserListPath, Page(0, 2, 2, ""));
  ASSERT_THAT(Sync(), IsOk());
  EXPECT_EQ(progress_.back().left, 1);
}

TEST_F(SubscribersTest, A12_ListOfNobodyMakesNotEverybodyLeave) {
  http_.Next(kUserListPath, Page(0, 20, 20, ""));
  ASSERT_THAT(Sync(), IsOk());
  http_.Next(kUserListPath, Page(0, 0, 0, ""));
  EXPECT_THAT(Sync(), StatusIs(absl::StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_EQ(Stored().size(), 20u);
}

TEST_F(SubscribersTest, A15_AllowanceThatFindsNoPlaceIsCounted) {
  const auto not_noted = [this] {
    for (const auto& family : metrics_.registry().Collect()) {
      if (family.name == "hongyan_allowances_not_noted_total") {
        return family.metric.front().counter.value;
      }
    }
    return -1.0;
  };
  EXPECT_EQ(not_noted(), 0);
  for (std::size_t i = 0; i < StoredRecipients::kMaxWaiting + 3; ++i) {
    recipients_.Sent("main", absl::StrCat("oMany", i));
  }
  EXPECT_GE(not_noted(), 1);
  EXPECT_LE(not_noted(), 3);
}

TEST_F(SubscribersTest, ReadsSeeWhatSendsHaveSpent) {
  model::NewEvent wrote;
  wrote.account = "main";
  wrote.openid = "oA";
  wrote.type = "text";
  wrote.receive_time = clock_.Now();
  wrote.dedup_key = "k";
  wrote.effect.opens = model::SubscriberEffect::Opens::kMessageWindow;
  wrote.effect.allowance = 5;
  wrote.effect.window = absl::Hours(48);
  ASSERT_THAT(support::RunUntilDone(loop_, storage_.events().Record(std::move(wrote), Soon())),
              IsOk());
  const auto left = [this] {
    const auto who = support::RunUntilDone(loop_, subscribers_.Get("main", "oA", Soon()));
    return who.ok() ? who->AllowanceLeft(clock_.Now()) : -1;
  };
  EXPECT_EQ(left(), 5);
  recipients_.Sent("main", "oA");
  recipients_.Sent("main", "oA");
  recipients_.Sent("main", "oStranger");
  EXPECT_EQ(left(), 3);
  recipients_.Sent("main", "oA");
  EXPECT_EQ(left(), 2);
  const auto window = [this] {
    const auto who = support::RunUntilDone(loop_, subscribers_.Get("main", "oA", Soon()));
    return who.ok() ? who->WindowExpireTime(clock_.Now()) : std::nullopt;
  };
  recipients_.AllowanceUsed("main", "oA");
  EXPECT_EQ(left(), 0);
  EXPECT_TRUE(window());
  recipients_.WindowClosed("main", "oA");
  EXPECT_EQ(left(), 0);
  EXPECT_FALSE(window());
  EXPECT_THAT(support::RunUntilDone(loop_, subscribers_.Get("main", "oStranger", Soon())),
              StatusIs(absl::StatusCode::kNotFound, "SUBSCRIBER_NOT_FOUND"));
}

}  // namespace
}  // namespace hongyan::core
