#include "server/core/push_type.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(PushType(Push("text")), "text");
  EXPECT_EQ(PushType(Push("shortvideo")), "short_video");
  EXPECT_EQ(PushType(Push("miniprogrampage")), "mini_program_page");
  EXPECT_EQ(PushType(Push("event", "subscribe")), "subscribe");
  EXPECT_EQ(PushType(Push("event", "SCAN")), "scan");
  EXPECT_EQ(PushType(Push("event", "TEMPLATESENDJOBFINISH")), "template_receipt");
  EXPECT_EQ(PushType(Push("event", "templatesendjobfinish")), "template_receipt");
  EXPECT_EQ(PushType(Push("event", "pic_weixin")), "pictures");
  EXPECT_EQ(PushType(Push("event", "subscribe_msg_sent_event")), "subscription_receipt");
}

TEST(PushTypeTest, LocationIsTwoThings) {
  EXPECT_EQ(PushType(Push("location")), "location");
  EXPECT_EQ(PushType(Push("event", "LOCATION")), "location_report");
}

TEST(PushTypeTest, X08_WhatIsNotInTheListIsUnknown) {
  EXPECT_EQ(PushType(Push("")), "unknown");
  EXPECT_EQ(PushType(Push("hardware")), "unknown");
  EXPECT_EQ(PushType(Push("event", "")), "unknown");
  EXPECT_EQ(PushType(Push("event", "text")), "unknown");
  EXPECT_EQ(PushType(Push("subscribe")), "unknown");
  EXPECT_EQ(PushType(Push("event", "template_receipt")), "unknown");
}

}  // namespace
}  // namespace hongyan::core
