#include "server/core/reply_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hongyan::core {
namespace {

using ::testing::HasSubstr;

// The reply to a push, or "" for none.
std::string Reply(std::vector<ReplyRule> rules, const std::string& msg_type,
                  const std::string& event, const std::string& subject) {
  wechat::PushedEvent push;
  push.msg_type = msg_type;
  push.event = event;
  (msg_type == "event" ? push.event_key : push.content) = subject;
  const auto created = ReplyRules::Create(std::move(rules));
  if (!created.ok()) return created.status().ToString();
  const std::string* text = created->Find(push);
  return text == nullptr ? "" : *text;
}

TEST(ReplyRulesTest, FirstRuleThatFitsDecides) {
  const std::vector<ReplyRule> rules = {
      {"text", "^帮助$", "help"}, {"text", "订单", "order"}, {"text", "", "any"}};
  EXPECT_EQ(Reply(rules, "text", "", "帮助"), "help");
  EXPECT_EQ(Reply(rules, "text", "", "我的订单呢"), "order");
  EXPECT_EQ(Reply(rules, "text", "", "帮助!"), "any");
  EXPECT_EQ(Reply(rules, "image", "", "帮助"), "");
}

TEST(ReplyRulesTest, EventsMatchOnTheirKeyInAnyCaseOfTheName) {
  const std::vector<ReplyRule> rules = {{"click", "^V1001", "menu"}, {"subscribe", "", "welcome"}};
  EXPECT_EQ(Reply(rules, "event", "CLICK", "V1001_TODAY"), "menu");
  EXPECT_EQ(Reply(rules, "event", "CLICK", "xV1001"), "");
  EXPECT_EQ(Reply(rules, "event", "subscribe", ""), "welcome");
}

TEST(ReplyRulesTest, TypesHaveTheNameOfTheApiOrWechatsOwn) {
  EXPECT_EQ(Reply({{"short_video", "", "x"}}, "shortvideo", "", ""), "x");
  EXPECT_EQ(Reply({{"shortvideo", "", "x"}}, "shortvideo", "", ""), "x");
  EXPECT_EQ(Reply({{"debug_demo", "", "x"}}, "event", "debug_demo", ""), "x");
  EXPECT_EQ(Reply({{"location", "", "x"}}, "location", "", ""), "x");
  EXPECT_EQ(Reply({{"location", "", "x"}}, "event", "LOCATION", ""), "");
  EXPECT_EQ(Reply({{"location_report", "", "x"}}, "event", "LOCATION", ""), "x");
}

TEST(ReplyRulesTest, WrongExpressionIsNamed) {
  const auto created = ReplyRules::Create({{"text", "ok", "x"}, {"text", "(", "x"}});
  EXPECT_EQ(created.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(created.status().message()), HasSubstr("replies[1].match"));
}

TEST(ReplyRulesTest, HostileExpressionsStayLinear) {
  EXPECT_EQ(Reply({{"text", "(a+)+$", "x"}}, "text", "", std::string(60000, 'a') + "b"), "");
}

}  // namespace
}  // namespace hongyan::core
