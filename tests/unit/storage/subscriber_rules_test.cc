// The rules as tables: what was known, what is learnt, what holds then.
#include "server/storage/subscriber_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/storage/micros.h"

namespace hongyan::storage {
namespace {

using Kind = model::SubscriberEffect::Kind;
using Opens = model::SubscriberEffect::Opens;
// Returns what the rule returns, true where it returns nothing.
using Rule = std::function<bool(SubscriberRow& row, bool known)>;

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }
long long MicrosAt(double seconds) { return Micros(At(seconds)); }

Rule Effect(Kind kind, double at, Opens opens = Opens::kNothing) {
  return [=](SubscriberRow& row, bool known) {
    model::SubscriberEffect effect;
    effect.kind = kind;
    effect.opens = opens;
    effect.allowance = opens == Opens::kMessageWindow ? 5 : 3;
    effect.window = opens == Opens::kMessageWindow ? absl::Hours(48) : absl::Minutes(1);
    return ApplyEffect(row, known, At(at), At(9000), effect);
  };
}
Rule Follow(double at) { return Effect(Kind::kSubscribe, at, Opens::kActionWindow); }
Rule Leave(double at) { return Effect(Kind::kUnsubscribe, at); }
Rule Message(double at) { return Effect(Kind::kNone, at, Opens::kMessageWindow); }
Rule Tap(double at) { return Effect(Kind::kNone, at, Opens::kActionWindow); }
Rule Gone(double at) { return Effect(Kind::kGone, at); }
Rule Revoke(double at) { return Effect(Kind::kProfileRevoked, at); }

model::User User(bool subscribed, std::optional<double> followed) {
  model::User user;
  user.subscribed = subscribed;
  if (followed) user.subscribe_time = At(*followed);
  user.profile.unionid = "u";
  if (subscribed) user.profile.nickname = "n";
  if (subscribed) user.profile.tag_ids = {2, 134};
  return user;
}
// user/info said so when it was asked `at`.
Rule TellsFollower(double at, std::optional<double> followed) {
  return [=](SubscriberRow& row, bool) {
    return MergeObserved(row, User(true, followed), At(at), At(9000));
  };
}
Rule TellsStranger(double at) {
  return [=](SubscriberRow& row, bool) {
    return MergeObserved(row, User(false, std::nullopt), At(at), At(9000));
  };
}
Rule InList(double at) {
  return [=](SubscriberRow& row, bool known) {
    SeeInList(row, known, At(at), At(9000));
    return true;
  };
}
Rule Erase() {
  return [](SubscriberRow& row, bool) {
    EraseProfile(row, At(8000));
    return true;
  };
}

// The row after these, from a stranger's on; a rule that says false is not stored.
SubscriberRow After(const std::vector<Rule>& rules) {
  SubscriberRow row;
  bool known = false;
  for (const Rule& rule : rules) {
    SubscriberRow next = row;
    if (!rule(next, known)) continue;
    row = next;
    known = true;
  }
  return row;
}

TEST(SubscriberRulesTest, WhoFollowsAndWhoHasLeft) {
  const struct {
    const char* name;
    std::vector<Rule> learnt;
    bool follows;
  } kCases[] = {
      {"a stranger", {}, false},
      {"a follow", {Follow(1000)}, true},
      {"a leave", {Follow(1000), Leave(3000)}, false},
      {"a follow after the leave", {Follow(1000), Leave(3000), Follow(4000)}, true},
      {"a follow that comes late", {Follow(1000), Leave(3000), Follow(2000)}, false},
      {"of one second, the one that came later", {Leave(3000), Follow(3000)}, true},
      {"of one second, the other order", {Follow(3000), Leave(3000)}, false},
      {"a leave that comes late", {Follow(3000), Leave(2500)}, true},
      {"a message of a stranger: the follow was missed", {Message(1000)}, true},
      {"a tap of a stranger", {Tap(1000)}, true},
      {"a message after the leave", {Leave(3000), Message(3001)}, true},
      {"a message of the leave's second", {Leave(3000), Message(3000)}, false},
      {"a message before the leave", {Leave(3000), Message(2000)}, false},
      {"a leave before the message that showed a follow",
       {Leave(3000), Message(4000), Leave(3999)},
       true},
      {"someone whose WeChat account is gone", {Follow(1000), Gone(2000)}, false},
      {"nothing is kept of a stranger who is gone", {Gone(2000)}, false},
      {"user/info finds a leave that was missed", {Follow(1000), TellsStranger(3000)}, false},
      {"user/info that was asked before the follow", {Follow(4000), TellsStranger(3500)}, true},
      {"a message after user/info found the leave",
       {Follow(1000), TellsStranger(5000), Message(5001)},
       true},
      {"a message before user/info found the leave",
       {Follow(1000), TellsStranger(5000), Message(4500)},
       false},
      {"user/info with a follow after the leave", {Leave(2000), TellsFollower(5000, 3000)}, true},
      {"user/info with the follow before the leave, whatever our clock says",
       {Leave(2000), TellsFollower(5000, 1000)},
       false},
      {"user/info without a time goes by our clock", {Leave(2000), TellsFollower(5000, {})}, true},
      {"a leave after the follow that user/info told, though our clock is ahead",
       {InList(1), TellsFollower(9000, 1000), Leave(1500)},
       false},
      {"a stranger in the list", {InList(1000)}, true},
      {"in the list after the leave", {Leave(3000), InList(4000)}, true},
      {"in the list before the leave", {Leave(3000), InList(2999)}, false},
      {"in the list within the leave's second", {Leave(3000), InList(3000.5)}, false},
      {"in the list a second after the leave", {Leave(3000), InList(3001)}, true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const SubscriberRow row = After(c.learnt);
    EXPECT_EQ(row.subscribed != 0, c.follows);
    if (!c.follows) continue;
    EXPECT_EQ(row.unsubscribe_time, 0);
    EXPECT_EQ(row.erase_time, 0);
  }
}

TEST(SubscriberRulesTest, WhatIsKeptOfTheProfile) {
  const auto told = TellsFollower(2000, 1000);
  const struct {
    const char* name;
    std::vector<Rule> learnt;
    std::string unionid, nickname, tag_ids;
    bool asked_anew;
  } kCases[] = {
      {"what user/info told", {Follow(1000), told}, "u", "n", ",2,134,", false},
      {"a follow asks anew, and keeps it until then",
       {Follow(1000), told, Leave(3000), Follow(4000)},
       "u",
       "n",
       ",2,134,",
       true},
      {"a follow in the list asks anew",
       {told, Leave(3000), InList(4000)},
       "u",
       "n",
       ",2,134,",
       true},
      {"a place in the list doesn't", {told, InList(4000)}, "u", "n", ",2,134,", false},
      {"a change asks anew",
       {told, Effect(Kind::kProfileChanged, 3000)},
       "u",
       "n",
       ",2,134,",
       true},
      {"a revocation removes what people show", {told, Revoke(3000)}, "u", "", ",2,134,", true},
      {"gone", {told, Gone(3000)}, "", "", "", true},
      {"erased", {told, Leave(3000), Erase()}, "", "", "", false},
      {"an erased one's unionid isn't stored again",
       {told, Leave(3000), Erase(), TellsStranger(4000)},
       "",
       "",
       "",
       false},
      {"a stranger may have a unionid", {Follow(1000), TellsStranger(2000)}, "u", "", "", false},
      {"one who left since it was told", {Follow(1000), Leave(2000), told}, "", "", "", true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const SubscriberRow row = After(c.learnt);
    EXPECT_EQ(row.profile.unionid, c.unionid);
    EXPECT_EQ(row.profile.nickname, c.nickname);
    EXPECT_EQ(row.tag_ids, c.tag_ids);
    EXPECT_EQ(row.profile_time == 0, c.asked_anew);
  }
}

TEST(SubscriberRulesTest, AnAnswerThatDoesNotSayWhoFollowsChangesNothing) {
  SubscriberRow row = After({Follow(1000)});
  model::User user = User(true, 1000);
  user.subscribed.reset();
  EXPECT_FALSE(MergeObserved(row, user, At(2000), At(9000)));
  EXPECT_EQ(row.subscribed, 1);
  EXPECT_EQ(row.profile_time, 0);
}

TEST(SubscriberRulesTest, AnOlderAnswerOfUserInfoKeepsTheNewerProfile) {
  SubscriberRow row = After({Follow(1000), TellsFollower(2000, 1000)});
  model::User older = User(true, 1000);
  older.profile.nickname = "older";
  EXPECT_TRUE(MergeObserved(row, older, At(1900), At(9000)));
  EXPECT_EQ(row.profile.nickname, "n");
  EXPECT_EQ(row.profile_time, MicrosAt(2000));
}

TEST(SubscriberRulesTest, WindowsAndWhatIsLeftInThem) {
  const auto spend = [](int messages, double at) -> Rule {
    return [=](SubscriberRow& row, bool) {
      SpendAllowance(row, {"main", "o", messages}, At(at));
      return true;
    };
  };
  const auto wechat_said = [](bool used_up, bool closed) -> Rule {
    return [=](SubscriberRow& row, bool) {
      SpendAllowance(row, {"main", "o", 0, used_up, closed}, At(1000));
      return true;
    };
  };
  const struct {
    const char* name;
    std::vector<Rule> learnt;
    int left_by_message, left_by_action;
    bool open;  // at 1030
  } kCases[] = {
      {"a message opens one", {Message(1000)}, 5, 0, true},
      {"a tap another", {Message(1000), Tap(1000)}, 5, 3, true},
      {"the one that closes first goes first",
       {Message(1000), Tap(1000), spend(2, 1010)},
       5,
       1,
       true},
      {"then the other", {Message(1000), Tap(1000), spend(5, 1010)}, 3, 0, true},
      {"a closed one isn't spent", {Message(1000), Tap(900), spend(1, 1010)}, 4, 3, true},
      {"nothing goes below zero", {Message(1000), spend(7, 1010)}, 0, 0, true},
      {"a message that comes late renews nothing",
       {Message(1000), spend(2, 1010), Message(900)},
       3,
       0,
       true},
      {"a new one does", {Message(1000), spend(2, 1010), Message(1020)}, 5, 0, true},
      {"used up, says WeChat", {Message(1000), Tap(1000), wechat_said(true, false)}, 0, 0, true},
      {"closed, says WeChat", {Message(1000), Tap(1000), wechat_said(false, true)}, 0, 0, false},
      {"who leaves can't be written to", {Message(1000), Leave(1010)}, 0, 0, false},
      {"nor by what was written before", {Leave(1010), Message(1005)}, 0, 0, false},
      {"a follow opens one", {Follow(1000)}, 0, 3, true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const SubscriberRow row = After(c.learnt);
    EXPECT_EQ(row.message_left, c.left_by_message);
    EXPECT_EQ(row.action_left, c.left_by_action);
    EXPECT_EQ(ToSubscriber(row).WindowExpireTime(At(1030)).has_value(), c.open);
  }
  EXPECT_EQ(After({Message(1000), Message(900)}).last_inbound_time, MicrosAt(1000));
}

TEST(SubscriberRulesTest, WhoIsNotInAWholeListHasLeft) {
  const double started = 5000.5;  // pushes tell whole seconds
  const struct {
    const char* name;
    std::vector<Rule> learnt;
    bool left;
  } kCases[] = {
      {"a follower of long ago", {Follow(1000)}, true},
      {"one in the list", {Follow(1000), InList(5001)}, false},
      {"one in an earlier list", {InList(4000)}, true},
      {"one whom user/info knew since", {Follow(1000), TellsFollower(5001, 1000)}, false},
      {"one who wrote since", {Follow(1000), Message(5002)}, false},
      {"one who wrote in the second of the start", {Follow(1000), Message(5000)}, false},
      {"one who wrote before that", {Follow(1000), Message(4999)}, true},
      {"one who followed in that second", {Follow(5000)}, false},
      {"one who has left already", {Follow(1000), Leave(2000)}, false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(LeftUnseen(After(c.learnt), At(started)), c.left);
  }
  SubscriberRow row = After({Message(1000)});
  MarkLeft(row, At(6000));
  EXPECT_EQ(row.subscribed, 0);
  EXPECT_EQ(row.unsubscribe_time, MicrosAt(6000));
  EXPECT_EQ(row.message_left, 0);
}

TEST(SubscriberRulesTest, WhoseUserInfoIsToBeAsked) {
  const auto refuse = [](double at) -> Rule {
    return [=](SubscriberRow& row, bool) {
      NoteRefusal(row, At(at));
      return true;
    };
  };
  const struct {
    const char* name;
    std::vector<Rule> learnt;
    bool asked;
  } kCases[] = {
      {"a stranger", {}, false},
      {"a follower of whom nothing was told", {Follow(1000)}, true},
      {"one who was told of lately", {Follow(1000), TellsFollower(3000, 1000)}, false},
      {"one who was told of long ago", {Follow(1000), TellsFollower(2999, 1000)}, true},
      {"one who has left", {Follow(1000), Leave(1500)}, false},
      {"one who was refused lately", {Follow(1000), refuse(4000)}, false},
      {"one who was refused long ago", {Follow(1000), refuse(3999)}, true},
      {"an older refusal changes nothing", {Follow(1000), refuse(4000), refuse(10)}, false},
      {"a follow after the refusal", {Follow(1000), refuse(4000), Leave(4500), Follow(4501)}, true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(IsToBeAsked(After(c.learnt), {At(3000), At(4000)}), c.asked);
  }
}

TEST(SubscriberRulesTest, FiltersLookAtWholeTagsAndLaterTimes) {
  const SubscriberRow row = After({Follow(1000), TellsFollower(2000, 1000), Message(3000)});
  const auto fits = [&row](const std::function<void(SubscriberFilter&)>& set) {
    SubscriberFilter filter;
    set(filter);
    return Fits(row, filter);
  };
  EXPECT_TRUE(fits([](auto&) {}));
  EXPECT_TRUE(fits([](auto& f) { f.subscribed = true; }));
  EXPECT_FALSE(fits([](auto& f) { f.subscribed = false; }));
  EXPECT_TRUE(fits([](auto& f) { f.tag_id = 134; }));
  EXPECT_FALSE(fits([](auto& f) { f.tag_id = 34; }));
  EXPECT_FALSE(fits([](auto& f) { f.subscribe_scene = "ADD_SCENE_SEARCH"; }));
  EXPECT_TRUE(fits([](auto& f) { f.updated_after = At(8999); }));
  EXPECT_FALSE(fits([](auto& f) { f.updated_after = At(9000); }));
  EXPECT_TRUE(fits([](auto& f) { f.inbound_after = At(2999); }));
  EXPECT_FALSE(fits([](auto& f) { f.inbound_after = At(3000); }));
}

}  // namespace
}  // namespace hongyan::storage
