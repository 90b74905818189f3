#include "client/cli/batch_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hongyan::cli {
namespace {

using testing::HasSubstr;

template <typename Message>
void ExpectProto(const Message& got, const char* wanted_text) {
  Message wanted;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(wanted_text, &wanted));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(got, wanted)) << got.DebugString();
}

std::string Problem(const std::string& line) {
  const auto one = ParseNotification(line, "");
  return one.ok() ? "" : std::string(one.status().message());
}

TEST(Notification, BothSpellingsOfFieldsAreRead) {
  const char* wanted = R"(account: "main" openid: "oA" idempotency_key: "k" template {
      template_id: "T1" data { key: "thing1" value: "茶 & <b>" } mini_program { app_id: "wx1" } })";
  const auto snake = ParseNotification(
      R"({"openid":"oA","idempotency_key":"k","template":{"template_id":"T1","data":{"thing1":"茶 & <b>"},
          "mini_program":{"app_id":"wx1"}}})",
      "main");
  const auto camel = ParseNotification(
      R"({"openid":"oA","idempotencyKey":"k","template":{"templateId":"T1","data":{"thing1":"茶 & <b>"},
          "miniProgram":{"appId":"wx1"}},"account":"main"})",
      "other");
  ASSERT_TRUE(snake.ok()) << snake.status();
  ASSERT_TRUE(camel.ok()) << camel.status();
  ExpectProto(*snake, wanted);
  ExpectProto(*camel, wanted);
}

TEST(Notification, EverythingElseOfItIsReadToo) {
  const auto one = ParseNotification(
      R"({"openid":"oA","text":{"content":"hi","kf_account":"kf@m"},"labels":{"a":"b"},
          "priority":"PRIORITY_LOW","expire_time":"2030-01-01T00:00:00Z"})",
      "");
  ASSERT_TRUE(one.ok()) << one.status();
  ExpectProto(*one, R"(openid: "oA" text { content: "hi" kf_account: "kf@m" }
      labels { key: "a" value: "b" } priority: PRIORITY_LOW expire_time { seconds: 1893456000 })");
}

TEST(Notification, WhatWouldTakeItsCallWithItIsRefused) {
  EXPECT_EQ(Problem("\xff"), "not UTF-8");
  EXPECT_EQ(Problem(absl::StrCat(R"({"openid":"oA","text":{"content":")",
                                 std::string(kMaxNotificationBytes, 'x'), R"("}})")),
            "has more than 64 KiB");
  for (const char* bad :
       {"{", "[]", "5", "null", "hello", R"({"openid":"oA","txt":{}})",
        R"({"openid":5.5,"text":{"content":"x"}})",
        R"({"openid":"oA","text":{"content":"\ud83d"}})",
        R"({"openid":"oA","text":{"content":"\udca2"}})",
        R"({"openid":"oA","text":{"content":"x"}} trailing)",
        R"({"openid":"oA","text":{"content":"x"},"template":{"template_id":"T"}})"}) {
    EXPECT_NE(Problem(bad), "") << bad;
    EXPECT_EQ(Problem(bad).find('\n'), std::string::npos) << bad;
  }
  EXPECT_THAT(Problem(R"({"openid":"oA","txt":{}})"), HasSubstr("txt"));
}

TEST(Notification, FieldsAreTheServicesToJudge) {
  for (const char* good :
       {R"({"text":{"content":"hi"}})", R"({"openid":"oA"})", R"({"openid":"o A","text":{}})",
        R"({"openid":"oA","template":{"data":{"a b":""}}})",
        R"({"openid":"oA","text":{"content":"x"},"send_time":"2030-01-01T00:00:00Z"})"}) {
    EXPECT_EQ(Problem(good), "") << good;
  }
}

TEST(BatchFile, LinesKeepTheirNumbers) {
  const std::string content =
      "\xEF\xBB\xBF"
      R"({"openid":"o1","text":{"content":"a"}})"
      "\r\n\n  \n"
      R"({"openid":"o4","text":{"content":"b"}})"
      "\nnonsense\n"
      R"({"openid":"o6","text":{"content":"c"}})";
  const CheckedLines lines = CheckLines(content);
  ASSERT_EQ(lines.good.size(), 3U);
  EXPECT_EQ(lines.good[0].number, 1);
  EXPECT_EQ(lines.good[0].text, R"({"openid":"o1","text":{"content":"a"}})");
  EXPECT_EQ(lines.good[1].number, 4);
  EXPECT_EQ(lines.good[2].number, 6);
  ASSERT_EQ(lines.bad.size(), 1U);
  EXPECT_EQ(lines.bad[0].line.number, 5);
  EXPECT_EQ(lines.bad[0].line.text, "nonsense");
  EXPECT_THAT(std::string(lines.bad[0].problem.message()),
              testing::StartsWith("no notification: "));
}

}  // namespace
}  // namespace hongyan::cli
