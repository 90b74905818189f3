#include "server/core/event_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/async/event_loop.h"
#include "server/core/subscriber_effect.h"
#include "tests/support/run_until_done.h"
#include "tests/support/silent_accounts.h"
#include "tests/support/temp_storage.h"

namespace hongyan::core {
namespace {

using Verdict = ReplayGuard::Verdict;
const absl::Time kNow = absl::FromUnixSeconds(1714037059);

ReplayGuard::Digest Body(const std::string& body) { return ReplayGuard::ComputeDigest(body); }

TEST(ReplayGuardTest, X12_SameBodyIsARepeatUntilItExpires) {
  ReplayGuard guard;
  EXPECT_EQ(guard.Look("s", Body("a"), kNow), Verdict::kNew);
  guard.Remember("s", Body("a"), kNow + absl::Minutes(10));
  EXPECT_EQ(guard.Look("s", Body("a"), kNow + absl::Minutes(9)), Verdict::kRepeat);
  EXPECT_EQ(guard.Look("s", Body("a"), kNow + absl::Minutes(10)), Verdict::kNew);
  EXPECT_EQ(guard.size(), 0u);
}

TEST(ReplayGuardTest, X13_OtherBodyIsAReplay) {
  ReplayGuard guard;
  guard.Remember("s", Body("a"), kNow + absl::Minutes(10));
  EXPECT_EQ(guard.Look("s", Body("b"), kNow), Verdict::kReplay);
  EXPECT_EQ(guard.Look("t", Body("b"), kNow), Verdict::kNew);
}

TEST(ReplayGuardTest, LookingRemembersNothing) {
  ReplayGuard guard;
  guard.Look("s", Body("a"), kNow);
  EXPECT_EQ(guard.Look("s", Body("b"), kNow), Verdict::kNew);
}

TEST(ReplayGuardTest, OldestGoesWhenFull) {
  ReplayGuard guard(3);
  for (const char* key : {"a", "b", "c", "d"}) {
    guard.Remember(key, Body("x"), kNow + absl::Minutes(1));
  }
  EXPECT_EQ(guard.size(), 3u);
  EXPECT_EQ(guard.evictions(), 1);
  EXPECT_EQ(guard.Look("a", Body("x"), kNow), Verdict::kNew);
  EXPECT_EQ(guard.Look("b", Body("x"), kNow), Verdict::kRepeat);
  EXPECT_EQ(guard.Look("d", Body("x"), kNow), Verdict::kRepeat);
}

TEST(ReplayGuardTest, AnExpiredEntryBehindAYoungerOneIsRenewed) {
  ReplayGuard guard;
  guard.Remember("young", Body("x"), kNow + absl::Minutes(10));
  guard.Remember("old", Body("x"), kNow + absl::Minutes(1));
  const absl::Time later = kNow + absl::Minutes(2);
  EXPECT_EQ(guard.Look("old", Body("y"), later), Verdict::kNew);
  guard.Remember("old", Body("y"), later + absl::Minutes(1));
  EXPECT_EQ(guard.Look("old", Body("y"), later), Verdict::kRepeat);
  EXPECT_EQ(guard.size(), 2u);
  EXPECT_EQ(guard.Look("none", Body(""), kNow + absl::Hours(1)), Verdict::kNew);
  EXPECT_EQ(guard.size(), 0u);
}

class EventIntakeTest : public ::testing::Test {
 protected:
  using Verdict = EventIntake::Verdict;

  EventIntakeTest() {
    AddAccount("one", *ReplyRules::Create({{"text", "", wechat::TextReply{"hello"}}}));
    AddAccount("two", ReplyRules());
  }
  void AddAccount(const std::string& name, ReplyRules replies) {
    const base::Secret token("t");
    accounts_.Add(name, {"/" + name, token, wechat::PushOpener(token, {}), std::move(replies)});
  }
  Account& At(std::size_t index) { return (*accounts_).all()[index]; }
  EventIntake::Answer Take(std::size_t account, const std::string& signature,
                           const std::string& body) {
    wechat::OpenedPush push;
    push.event = *wechat::ParsePush(body);
    push.text = body;
    return support::RunUntilDone(loop_,
                                 intake_.Take(At(account), signature, Body(body), push,
                                              clock_.Now() + absl::Minutes(10), clock_.Mono()));
  }
  std::vector<model::StoredEvent> Stored() {
    auto page = support::RunUntilDone(
        loop_, storage_.events().List({}, 0, 100, async::After(clock_.Mono(), absl::Minutes(10))));
    return page->events;
  }
  static std::string Text(const std::string& content, const std::string& id = "1") {
    return absl::StrCat("<xml><ToUserName>gh_1</ToUserName><FromUserName>oU</FromUserName>",
                        "<CreateTime>1714037059</CreateTime><MsgType>text</MsgType><Content>",
                        content, "</Content><MsgId>", id, "</MsgId></xml>");
  }
  static std::string Event(const std::string& name, const std::string& more = "") {
    return absl::StrCat("<xml><ToUserName>gh_1</ToUserName><FromUserName>oU</FromUserName>",
                        "<CreateTime>1714037059</CreateTime><MsgType>event</MsgType><Event>", name,
                        "</Event>", more, "</xml>");
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  support::TempStorage storage_{loop_, clock_};
  support::SilentAccounts accounts_{loop_, clock_};
  EventIntake intake_{storage_.events(), clock_};
};

TEST_F(EventIntakeTest, RepeatIsAnsweredLikeTheFirstTimeAndRecordedOnce) {
  const auto first = Take(0, "s", Text("x"));
  EXPECT_EQ(first.verdict, Verdict::kNew);
  EXPECT_EQ(first.type, "text");
  EXPECT_EQ(first.reply, Reply(wechat::TextReply{"hello"}));
  const auto second = Take(0, "s", Text("x"));
  EXPECT_EQ(second.verdict, Verdict::kRepeat);
  EXPECT_EQ(second.reply, first.reply);
  // WeChat signs its repeats anew.
  EXPECT_EQ(Take(0, "t", Text("x")).verdict, Verdict::kRepeat);
  const auto other = Take(0, "s", Text("y"));
  EXPECT_EQ(other.verdict, Verdict::kReplay);
  EXPECT_EQ(other.reply, std::nullopt);
  // Another account has its own signatures, its own events and its own rules.
  EXPECT_EQ(Take(1, "s", Text("y")).verdict, Verdict::kNew);
  EXPECT_EQ(Take(1, "s", Text("y")).reply, std::nullopt);
  const auto stored = Stored();
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].account, "one");
  EXPECT_EQ(stored[0].openid, "oU");
  EXPECT_EQ(stored[0].type, "text");
  EXPECT_EQ(stored[0].body, Text("x"));
  EXPECT_EQ(stored[1].account, "two");
}

TEST_F(EventIntakeTest, X12_OfTwinsThatAreTakenAtTheSameTimeOneIsAnswered) {
  std::vector<EventIntake::Answer> answers;
  std::array<wechat::OpenedPush, 4> pushes;
  for (int i = 0; i < 4; ++i) {
    wechat::OpenedPush& push = pushes[i];
    push.event = *wechat::ParsePush(Text("x"));
    push.text = Text("x");
    async::asio::co_spawn(
        loop_.executor(),
        intake_.Take(At(0), absl::StrCat("s", i), Body(Text("x")), push,
                     clock_.Now() + absl::Minutes(10), clock_.Mono()),
        [&](std::exception_ptr, EventIntake::Answer answer) { answers.push_back(answer); });
  }
  const EventIntake::Answer other = Take(0, "t", Text("y", "2"));  // done after them
  EXPECT_EQ(other.reply, Reply(wechat::TextReply{"hello"}));
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(),
                          [](const auto& answer) { return answer.verdict == Verdict::kNew; }),
            1);
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(),
                          [](const auto& answer) { return answer.reply.has_value(); }),
            1);
  EXPECT_EQ(Stored().size(), 2u);
  // Whoever comes once they are done may have come because the answer was lost.
  EXPECT_EQ(Take(0, "u", Text("x")).reply, Reply(wechat::TextReply{"hello"}));
}

TEST_F(EventIntakeTest, MessageOfUnknownFormCountsForItsSender) {
  const auto left = [this](const std::string& openid) {
    const auto row = support::RunUntilDone(
        loop_,
        storage_.subscribers().Get("one", openid, async::After(clock_.Mono(), absl::Minutes(10))));
    return row.ok() ? row->message.left : -1;
  };
  const std::string head = R"({"ToUserName":"gh_1","CreateTime":1714037059,"FromUserName":")";
  Take(0, "a", head + R"(oHash","MsgType":"text","Content":"hi","MsgId":"49d72d67_1555684067"})");
  Take(0, "b", head + R"(oDevice","MsgType":"device_text","Content":"hi","MsgId":5})");
  Take(0, "c", head + R"(oEvent","MsgType":"event","Event":"not_yet_known"})");
  Take(0, "d", head + R"(oLetters","MsgType":"Event","Event":"not_yet_known"})");
  Take(0, "e", head + R"(oNothing","Content":"hi"})");
  Take(0, "f", R"({"ToUserName":"gh_1","FromUserName":"oTimeless","MsgType":"text","MsgId":1})");
  for (const auto& stored : Stored()) EXPECT_EQ(stored.type, "unknown") << stored.openid;
  EXPECT_EQ(Stored().size(), 6u);
  EXPECT_EQ(left("oHash"), kMessageAllowance);
  EXPECT_EQ(left("oDevice"), kMessageAllowance);
  for (const char* nobody : {"oEvent", "oLetters", "oNothing", "oTimeless"}) {
    EXPECT_EQ(left(nobody), -1) << nobody;
  }
}

TEST_F(EventIntakeTest, X15_TwoReceiptsOfOneSecondStayTwo) {
  EXPECT_EQ(Take(0, "a", Event("LOCATION", "<Latitude>1</Latitude>")).verdict, Verdict::kNew);
  EXPECT_EQ(Take(0, "b", Event("LOCATION", "<Latitude>2</Latitude>")).verdict, Verdict::kNew);
  EXPECT_EQ(Take(0, "c", Event("LOCATION", "<Latitude>2</Latitude>")).verdict, Verdict::kRepeat);
  EXPECT_EQ(Take(0, "d", Event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID>")).verdict,
            Verdict::kNew);
  EXPECT_EQ(Take(0, "e", Event("TEMPLATESENDJOBFINISH", "<MsgID>2</MsgID>")).verdict,
            Verdict::kNew);
  // Fifteen people were seen to share one MsgId.
  EXPECT_EQ(Take(0, "f", Text("x", "7")).verdict, Verdict::kNew);
  const std::string from_another = absl::StrReplaceAll(Text("x", "7"), {{"oU", "oV"}});
  EXPECT_EQ(Take(0, "g", from_another).verdict, Verdict::kNew);
}

TEST_F(EventIntakeTest, FollowerIsStoredWithTheEvent) {
  Take(0, "a", Event("subscribe"));
  Take(0, "b", Event("subscribe"));
  const auto deadline = async::After(clock_.Mono(), absl::Minutes(10));
  auto who = support::RunUntilDone(loop_, storage_.subscribers().Get("one", "oU", deadline));
  ASSERT_TRUE(who.ok());
  EXPECT_TRUE(who->subscribed);
  EXPECT_EQ(who->action.left, 3);
  Take(0, "c", absl::StrReplaceAll(Event("unsubscribe"), {{"7059", "7060"}}));
  who = support::RunUntilDone(loop_, storage_.subscribers().Get("one", "oU", deadline));
  ASSERT_TRUE(who.ok());
  EXPECT_FALSE(who->subscribed);
}

TEST_F(EventIntakeTest, WhatCannotBeRecordedIsNotAnswered) {
  storage_.thread().Stop();
  const auto answer = Take(0, "s", Text("x"));
  EXPECT_EQ(answer.verdict, Verdict::kUnrecorded);
  EXPECT_EQ(answer.reply, std::nullopt);
}

// One listener hears of what the intake records, and can tell whose profile to ask for.
TEST_F(EventIntakeTest, WhoFollowsAndWhoseProfileChangesIsAnnouncedOnce) {
  std::vector<std::string> asked;
  storage_.events().SetListener([&](const storage::CommittedEvent& event) {
    if (ChangesProfile(event.effect)) asked.push_back(event.account + " " + event.openid);
  });
  const std::string user = "<OpenID>oOther</OpenID><AppID>wx1</AppID><RevokeInfo>205</RevokeInfo>";
  Take(0, "a", Event("subscribe"));
  Take(0, "b", Event("subscribe"));
  Take(0, "c", Event("user_info_modified", user));
  Take(0, "d", Event("user_authorization_revoke", user));
  Take(0, "e", Event("user_authorization_cancellation", user));  // nobody is left to ask about
  Take(0, "f", Event("unsubscribe"));
  EXPECT_THAT(asked, ::testing::ElementsAre("one oU", "one oOther", "one oOther"));
}

}  // namespace
}  // namespace hongyan::core
