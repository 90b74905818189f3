#include "server/core/push_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hongyan::core {
namespace {

wechat::PushedEvent Push(const std::string& msg_type, const std::string& event = "") {
  wechat::PushedEvent push;
  push.msg_type = msg_type;
  push.event = event;
  return push;
}

TEST(PushTypeTest, MessagesAndEvents) {
  EXPECT_EQ(Classify(Push("text")).type, "text");
  EXPECT_EQ(Classify(Push("shortvideo")).type, "short_video");
  EXPECT_EQ(Classify(Push("miniprogrampage")).type, "mini_program_page");
  EXPECT_EQ(Classify(Push("event", "subscribe")).type, "subscribe");
  EXPECT_EQ(Classify(Push("event", "SCAN")).type, "scan");
  EXPECT_EQ(Classify(Push("event", "TEMPLATESENDJOBFINISH")).type, "template_receipt");
  EXPECT_EQ(Classify(Push("event", "templatesendjobfinish")).type, "template_receipt");
  EXPECT_EQ(Classify(Push("event", "pic_weixin")).type, "pictures");
  EXPECT_EQ(Classify(Push("event", "subscribe_msg_sent_event")).type, "subscription_receipt");
}

// The contract's list, which is closed: it becomes a metric's label.
TEST(PushTypeTest, AllTypesAreKnown) {
  EXPECT_THAT(
      PushTypes(),
      ::testing::UnorderedElementsAre(
          "text", "image", "voice", "video", "short_video", "location", "link", "mini_program_page",
          "file", "subscribe", "unsubscribe", "scan", "location_report", "click", "view",
          "view_mini_program", "scan_code", "pictures", "location_select", "template_receipt",
          "mass_send_receipt", "publish_receipt", "subscription_popup", "subscription_change",
          "subscription_receipt", "user_info_change", "kf_session", "verification", "unknown"));
}

TEST(PushTypeTest, LocationIsTwoThings) {
  EXPECT_EQ(Classify(Push("location")).type, "location");
  EXPECT_EQ(Classify(Push("event", "LOCATION")).type, "location_report");
}

TEST(PushTypeTest, X08_WhatIsNotInTheListIsUnknown) {
  EXPECT_EQ(Classify(Push("")).type, "unknown");
  EXPECT_EQ(Classify(Push("hardware")).type, "unknown");
  EXPECT_EQ(Classify(Push("event", "")).type, "unknown");
  EXPECT_EQ(Classify(Push("event", "text")).type, "unknown");
  EXPECT_EQ(Classify(Push("subscribe")).type, "unknown");
  EXPECT_EQ(Classify(Push("event", "template_receipt")).type, "unknown");
}

TEST(PushTypeTest, EveryEventOfTheAccountItself) {
  for (const char* event :
       {"qualification_verify_success", "qualification_verify_fail", "naming_verify_success",
        "naming_verify_fail", "annual_renew", "verify_expired"}) {
    EXPECT_EQ(Classify(Push("event", event)).type, "verification") << event;
  }
}

wechat::PushedEvent Complete(const std::string& msg_type, const std::string& event = "") {
  wechat::PushedEvent push = Push(msg_type, event);
  push.from_user = "oU";
  push.create_time = 1714037059;
  if (event.empty()) push.msg_id = "1";
  return push;
}

TEST(RecordedTypeTest, X08_WhatLacksTheEnvelopeIsUnknown) {
  EXPECT_EQ(Classify(Complete("text")).recorded_type(), "text");
  EXPECT_EQ(Classify(Complete("event", "subscribe")).recorded_type(), "subscribe");
  EXPECT_EQ(Classify(Complete("event", "hologram")).recorded_type(), "unknown");
  for (const std::optional<std::int64_t> time :
       {std::optional<std::int64_t>(), std::optional<std::int64_t>(253402300800)}) {
    wechat::PushedEvent push = Complete("text");
    push.create_time = time;
    EXPECT_EQ(Classify(push).recorded_type(), "unknown");
  }
  for (const char* id : {"", "x", "9223372036854775808"}) {
    wechat::PushedEvent push = Complete("text");
    push.msg_id = id;
    EXPECT_EQ(Classify(push).recorded_type(), "unknown") << id;
  }
  wechat::PushedEvent event = Complete("event", "TEMPLATESENDJOBFINISH");
  EXPECT_EQ(Classify(event).recorded_type(), "template_receipt");
  event.msg_id = "x";
  EXPECT_EQ(Classify(event).recorded_type(), "unknown");
  wechat::PushedEvent nobody = Complete("text");
  nobody.from_user.clear();
  EXPECT_EQ(Classify(nobody).recorded_type(), "unknown");
}

// Types of the API, WeChat's words for them, and words that the API calls unknown.
TEST(PushWordTest, WhatAConfigurationMayName) {
  for (const char* on : {"text", "short_video", "shortvideo", "location", "hardware"}) {
    EXPECT_EQ(FindMeaning(on), PushWord::kMessage) << on;
  }
  for (const char* on : {"subscribe", "location_report", "scan_code", "scancode_push",
                         "subscription_receipt", "debug_demo", "user_get_card"}) {
    EXPECT_EQ(FindMeaning(on), PushWord::kEvent) << on;
  }
  EXPECT_EQ(FindMeaning("unknown"), PushWord::kEither);
  for (const char* on : {"", "Text", "CLICK", "event", "subcribe"}) {
    EXPECT_EQ(FindMeaning(on), PushWord::kNone) << on;
  }
  for (const absl::string_view type : PushTypes()) EXPECT_NE(FindMeaning(type), PushWord::kNone);
}

TEST(PushOpenidTest, IsTheUserOfTheEvent) {
  wechat::PushedEvent push = Complete("event", "user_authorization_revoke");
  EXPECT_EQ(Classify(push).openid, "oU");
  push.fields = {{"openid", "oV"}};
  EXPECT_EQ(Classify(push).openid, "oV");
  push.fields = {{"openid", "oV"}, {"OpenID", "oW"}};
  EXPECT_EQ(Classify(push).openid, "oW");
  push.event = "subscribe";
  EXPECT_EQ(Classify(push).openid, "oU");
}

TEST(PushOpenidTest, X08_NoOpenidIsEmpty) {
  wechat::PushedEvent push = Complete("text");
  for (const std::string& openid : {std::string(), std::string("o U"), std::string("o\n"),
                                    std::string("鸿雁"), std::string(kMaxOpenidBytes + 1, 'o')}) {
    push.from_user = openid;
    EXPECT_EQ(Classify(push).openid, "") << openid;
  }
  push.from_user = std::string(kMaxOpenidBytes, 'o');
  EXPECT_EQ(Classify(push).openid, push.from_user);
}

}  // namespace
}  // namespace hongyan::core
