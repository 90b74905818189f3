#include "server/core/reply_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hongyan::core {
namespace {

using ::testing::HasSubstr;

ReplyRule Rule(const std::string& on, const std::string& match, const std::string& text) {
  return {on, match, wechat::TextReply{text}};
}

// The text of the reply to a push, or "" for none.
std::string Found(std::vector<ReplyRule> rules, const std::string& msg_type,
                  const std::string& event, const std::string& subject) {
  wechat::PushedEvent push;
  push.msg_type = msg_type;
  push.event = event;
  (msg_type == "event" ? push.event_key : push.content) = subject;
  const auto created = ReplyRules::Create(std::move(rules));
  if (!created.ok()) return created.status().ToString();
  const Reply* reply = created->Find(push, Classify(push));
  return reply == nullptr ? "" : std::get<wechat::TextReply>(*reply).content;
}

TEST(ReplyRulesTest, FirstRuleThatFitsDecides) {
  const std::vector<ReplyRule> rules = {Rule("text", "^帮助$", "help"),
                                        Rule("text", "订单", "order"), Rule("text", "", "any")};
  EXPECT_EQ(Found(rules, "text", "", "帮助"), "help");
  EXPECT_EQ(Found(rules, "text", "", "我的订单呢"), "order");
  EXPECT_EQ(Found(rules, "text", "", "帮助!"), "any");
  EXPECT_EQ(Found(rules, "image", "", "帮助"), "");
}

TEST(ReplyRulesTest, EventsMatchOnTheirKeyInAnyCaseOfTheName) {
  const std::vector<ReplyRule> rules = {Rule("click", "^V1001", "menu"),
                                        Rule("subscribe", "", "welcome")};
  EXPECT_EQ(Found(rules, "event", "CLICK", "V1001_TODAY"), "menu");
  EXPECT_EQ(Found(rules, "event", "CLICK", "xV1001"), "");
  EXPECT_EQ(Found(rules, "event", "subscribe", ""), "welcome");
}

TEST(ReplyRulesTest, TypesHaveTheNameOfTheApiOrWechatsOwn) {
  EXPECT_EQ(Found({Rule("short_video", "", "x")}, "shortvideo", "", ""), "x");
  EXPECT_EQ(Found({Rule("shortvideo", "", "x")}, "shortvideo", "", ""), "x");
  EXPECT_EQ(Found({Rule("debug_demo", "", "x")}, "event", "debug_demo", ""), "x");
  EXPECT_EQ(Found({Rule("location", "", "x")}, "location", "", ""), "x");
  EXPECT_EQ(Found({Rule("location", "", "x")}, "event", "LOCATION", ""), "");
  EXPECT_EQ(Found({Rule("location_report", "", "x")}, "event", "LOCATION", ""), "x");
}

TEST(ReplyRulesTest, WrongExpressionIsNamed) {
  const auto created = ReplyRules::Create({Rule("text", "ok", "x"), Rule("text", "(", "x")});
  EXPECT_EQ(created.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(created.status().message()), HasSubstr("replies[1].match"));
}

TEST(ReplyRulesTest, EventKeysAreExactAndForEventsOnly) {
  const std::vector<ReplyRule> rules = {{"click", "", wechat::TextReply{"one"}, "MENU_1"},
                                        {"click", "^MENU", wechat::TextReply{"both"}, "MENU_12"},
                                        {"text", "", wechat::TextReply{"never"}, "MENU_1"}};
  EXPECT_EQ(Found(rules, "event", "CLICK", "MENU_1"), "one");
  EXPECT_EQ(Found(rules, "event", "CLICK", "MENU_12"), "both");
  EXPECT_EQ(Found(rules, "event", "CLICK", "menu_1"), "");
  EXPECT_EQ(Found(rules, "event", "VIEW", "MENU_1"), "");
  EXPECT_EQ(Found(rules, "text", "", "MENU_1"), "");
}

TEST(ReplyRulesTest, RepliesThatWechatRefusesAreNamed) {
  const auto created =
      ReplyRules::Create({Rule("text", "", "x"), {"text", "", wechat::ImageReply{}}});
  EXPECT_THAT(std::string(created.status().message()), HasSubstr("replies[1]: image.media_id"));
}

TEST(ReplyRulesTest, HostileExpressionsStayLinear) {
  EXPECT_EQ(Found({Rule("text", "(a+)+$", "x")}, "text", "", std::string(60000, 'a') + "b"), "");
}

}  // namespace
}  // namespace hongyan::core
