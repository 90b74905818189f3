#include "server/core/event_intake.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace hongyan::core {
namespace {

using Verdict = ReplayGuard::Verdict;
const absl::Time kNow = absl::FromUnixSeconds(1714037059);

ReplayGuard::Digest Body(const std::string& body) { return ReplayGuard::DigestOf(body); }

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

std::vector<ReplyRules> TwoAccounts() {
  std::vector<ReplyRules> rules;
  rules.push_back(*ReplyRules::Create({{"text", "", "hello"}}));
  rules.emplace_back();
  return rules;
}

TEST(EventIntakeTest, RepeatIsAnsweredLikeTheFirstTime) {
  EventIntake intake(TwoAccounts());
  wechat::PushedEvent push;
  push.msg_type = "text";
  const auto take = [&](std::size_t account, const std::string& body) {
    return intake.Take(account, "s", Body(body), push, kNow, kNow + absl::Minutes(10));
  };
  const auto first = take(0, "x");
  EXPECT_EQ(first.verdict, Verdict::kNew);
  EXPECT_EQ(first.type, "text");
  ASSERT_NE(first.reply, nullptr);
  EXPECT_EQ(*first.reply, "hello");
  const auto second = take(0, "x");
  EXPECT_EQ(second.verdict, Verdict::kRepeat);
  EXPECT_EQ(second.reply, first.reply);
  const auto other = take(0, "y");
  EXPECT_EQ(other.verdict, Verdict::kReplay);
  EXPECT_EQ(other.reply, nullptr);
  // Another account has its own signatures and its own rules.
  EXPECT_EQ(take(1, "y").verdict, Verdict::kNew);
  EXPECT_EQ(take(1, "y").reply, nullptr);
}

}  // namespace
}  // namespace hongyan::core
