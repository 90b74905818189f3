#include "client/cli/output.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include "client/cli/json_line.h"
#include "client/cli/progress_bar.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

TEST(DisplayWidth, WideCharactersTakeTwoColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("鸿雁"), 4U);
  EXPECT_EQ(DisplayWidth("ａ，。"), 6U);
  EXPECT_EQ(DisplayWidth("¥39"), 3U);
  EXPECT_EQ(DisplayWidth("🦢"), 2U);
  EXPECT_EQ(DisplayWidth("한국"), 4U);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1U);
  EXPECT_EQ(DisplayWidth(""), 0U);
}

TEST(Table, ColumnsLineUpBehindWideText) {
  EXPECT_EQ(Table({{"NAME", "CITY", "X"}, {"鸿雁", "a", "1"}, {"a", "北京市", "2"}}),
            "NAME  CITY    X\n"
            "鸿雁  a       1\n"
            "a     北京市  2\n");
}

TEST(Printable, NothingSteersTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb\x07\x7f"), "a\\u001b[2Jb\\u0007\\u007f");
  EXPECT_EQ(Printable("a\nb\tc\r"), "a\\nb\\tc\\r");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\u009b");
  EXPECT_EQ(Printable("a\u202Eb\u2066"), "a\\u202eb\\u2066");
  EXPECT_EQ(Printable("a\xff\xc0\xaf\xed\xa0\x80"), "a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(Printable("鸿雁 🦢 ¥"), "鸿雁 🦢 ¥");
}

TEST(Utf8, IllFormedTextIsKnown) {
  EXPECT_TRUE(IsUtf8("鸿雁🦢"));
  for (const char* bad : {"\xff", "\xc0\xaf", "\xe4\xb8", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

v1::UserInfo User() {
  v1::UserInfo user;
  user.set_openid("oA");
  user.set_subscribed(true);
  user.mutable_subscribe_time()->set_seconds(1717214400);  // 2024-06-01 04:00:00 UTC
  user.set_remark("老王 <b>&\n\x1b[1m\xc2\x9b");
  user.add_tag_ids(2);
  user.add_tag_ids(100);
  return user;
}

TEST(UserOutput, TableShowsLocalTimeAndHarmlessText) {
  EXPECT_EQ(UserTable(User(), absl::FixedTimeZone(8 * 3600)),
            "openid          oA\n"
            "subscribed      yes\n"
            "subscribe_time  2024-06-01T12:00:00+08:00\n"
            "remark          老王 <b>&\\n\\u001b[1m\\u009b\n"
            "tag_ids         2, 100\n");
}

TEST(UserOutput, EveryFieldStandsInTheOrderOfTheProto) {
  v1::UserInfo user;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(openid: "oA" unionid: "u" subscribed: true subscribe_time {} subscribe_scene: "ADD_SCENE_QR_CODE"
         remark: "r" group_id: 3 tag_ids: 2 qr_scene: 9007199254740993 qr_scene_str: "s" language: "zh_CN"
         nickname: "n" head_image_url: "https://h" sex: 1 city: "c" province: "p" country: "x")",
      &user));
  EXPECT_EQ(UserTable(user, absl::UTCTimeZone()),
            "openid           oA\n"
            "unionid          u\n"
            "subscribed       yes\n"
            "subscribe_time   -\n"
            "subscribe_scene  ADD_SCENE_QR_CODE\n"
            "remark           r\n"
            "group_id         3\n"
            "tag_ids          2\n"
            "qr_scene         9007199254740993\n"
            "qr_scene_str     s\n"
            "language         zh_CN\n"
            "nickname         n\n"
            "head_image_url   https://h\n"
            "sex              1\n"
            "city             c\n"
            "province         p\n"
            "country          x\n");
  user.set_subscribed(false);
  user.set_subscribed_unknown(true);
  EXPECT_THAT(UserTable(user, absl::UTCTimeZone()),
              testing::AllOf(testing::HasSubstr("subscribed       ?\n"),
                             testing::Not(testing::HasSubstr("unknown"))));
}

TEST(UserOutput, JsonKeepsTextRawAndFieldsPresent) {
  const std::string json = JsonLine(User());
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_NE(json.find(R"("remark":"老王 <b>&\n\u001b[1m\u009b")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("subscribe_time":"2024-06-01T04:00:00Z")"), std::string::npos) << json;
  EXPECT_NE(JsonLine(v1::UserInfo()).find(R"("subscribed":false)"), std::string::npos);
}

TEST(DeliveryOutput, MsgIdIsExactAndAString) {
  v1::Delivery delivery;
  delivery.set_id("01J");
  delivery.set_kind(v1::DELIVERY_KIND_TEMPLATE);
  delivery.set_state(v1::DELIVERY_STATE_ACCEPTED);
  delivery.set_msg_id(9007199254740993);
  const std::string json = JsonLine(delivery);
  EXPECT_NE(json.find(R"("msg_id":"9007199254740993")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("state":"DELIVERY_STATE_ACCEPTED")"), std::string::npos) << json;
  EXPECT_EQ(DeliveryTable(delivery, absl::UTCTimeZone()),
            "id      01J\n"
            "kind    TEMPLATE\n"
            "state   ACCEPTED\n"
            "msg_id  9007199254740993\n");
}

TEST(DeliveryOutput, ValidateOnlySaysThatNothingWasSent) {
  v1::Delivery delivery;
  delivery.set_openid("oA");
  delivery.set_kind(v1::DELIVERY_KIND_TEXT);
  EXPECT_EQ(DeliveryTable(delivery, absl::UTCTimeZone()),
            "openid  oA\n"
            "kind    TEXT\n"
            "state   VALID (nothing was sent)\n");
}

TEST(DeliveryOutput, JsonSurvivesDetailsOfUnknownType) {
  v1::Delivery delivery;
  delivery.mutable_error()->set_code(3);
  delivery.mutable_error()->set_message("no");
  google::rpc::ErrorInfo info;
  info.set_reason("INVALID_OPENID");
  delivery.mutable_error()->add_details()->PackFrom(info);
  EXPECT_NE(JsonLine(delivery).find(R"("reason":"INVALID_OPENID")"), std::string::npos);
  delivery.mutable_error()->add_details()->set_type_url("type.googleapis.com/no.such.Type");
  EXPECT_NE(JsonLine(delivery).find(R"("message":"no")"), std::string::npos);
}

TEST(ProgressBar, ShowsPartRateAndTimeLeft) {
  EXPECT_EQ(
      RenderBar({.done = 500, .total = 1000, .troubled = 3}, absl::Seconds(5), 120),
      "[####################....................]  500/1000  50%  3 not accepted  100/s  0:05 "
      "left");
}

TEST(ProgressBar, WhatAnEarlierRunDidTellsNothingAboutTheRate) {
  EXPECT_THAT(RenderBar({.done = 600, .total = 1000, .before = 500, .label = "list "},
                        absl::Seconds(5), 120),
              testing::EndsWith("]  600/1000  60%  20/s  0:20 left"));
  EXPECT_THAT(RenderBar({.done = 500, .total = 1000, .before = 500, .label = "list "},
                        absl::Seconds(5), 120),
              testing::MatchesRegex("list \\[#+\\.+\\]  500/1000  50%"));
}

TEST(GrowingTable, ColumnsNeverShrink) {
  GrowingTable table({3});
  EXPECT_EQ(table.Add({{"A", "B"}, {"1", "x"}}), "A    B\n1    x\n");
  EXPECT_EQ(table.Add({{"longer", "y"}}), "longer  y\n");
  EXPECT_EQ(table.Add({{"2", "z"}}), "2       z\n");
  EXPECT_EQ(table.Add({}), "");
}

TEST(ProgressBar, FitsTheTerminal) {
  const BarState state{
      .done = 123456, .total = 1000000, .troubled = 77777, .before = 5, .label = "profiles "};
  for (int columns = 0; columns < 200; ++columns) {
    EXPECT_LT(static_cast<int>(RenderBar(state, absl::Seconds(60), columns).size()),
              std::max(columns, 1));
  }
}

}  // namespace
}  // namespace hongyan::cli
