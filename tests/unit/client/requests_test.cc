#include "client/cli/requests.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "client/cli/batch_file.h"

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

TEST(Requests, TextCarriesEveryArgument) {
  GlobalArgs global;
  global.account = "main";
  const auto request = ToRequest(global, SendTextArgs{.openid = "oA",
                                                      .content = "<a href=\"x\">您好</a>\n",
                                                      .kf_account = "kf@main",
                                                      .idempotency_key = "k",
                                                      .validate_only = true});
  ASSERT_TRUE(request.ok());
  ExpectProto(
      *request,
      R"(account: "main" openid: "oA" content: "<a href=\"x\">您好</a>\n" kf_account: "kf@main"
                 idempotency_key: "k" validate_only: true)");
}

TEST(Requests, TemplateCarriesEveryArgument) {
  const auto request =
      ToRequest(GlobalArgs{}, SendTemplateArgs{.openid = "oA",
                                               .template_id = "T1",
                                               .data = {"thing1=a=b", "amount3="},
                                               .url = "https://e.org/?a=b",
                                               .mini_program = "wx1:pages/i?x=1:2"});
  ASSERT_TRUE(request.ok()) << request.status();
  ExpectProto(*request, R"(openid: "oA" template {
      template_id: "T1" url: "https://e.org/?a=b"
      data { key: "thing1" value: "a=b" } data { key: "amount3" value: "" }
      mini_program { app_id: "wx1" page_path: "pages/i?x=1:2" } })");
}

TEST(Requests, MiniProgramWithoutPath) {
  const auto request = ToRequest(
      GlobalArgs{},
      SendTemplateArgs{.openid = "oA", .template_id = "T", .data = {"a=b"}, .mini_program = "wx1"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->template_().mini_program().app_id(), "wx1");
  EXPECT_EQ(request->template_().mini_program().page_path(), "");
}

TEST(Requests, TypingMistakesAreRefused) {
  const auto template_problem = [](std::vector<std::string> data, const char* mini = "") {
    return std::string(ToRequest(GlobalArgs{}, SendTemplateArgs{.openid = "oA",
                                                                .template_id = "T1",
                                                                .data = std::move(data),
                                                                .mini_program = mini})
                           .status()
                           .message());
  };
  EXPECT_EQ(template_problem({"thing1"}), "'thing1' is not KEY=VALUE");
  EXPECT_EQ(template_problem({"=x"}), "'=x' is not KEY=VALUE");
  EXPECT_EQ(template_problem({"a=1", "a=2"}), "a is given twice");
  EXPECT_THAT(template_problem({"thing 1=x"}), HasSubstr("'thing 1' is no keyword"));
  EXPECT_EQ(template_problem({"a=\xff"}), "the value of a is not UTF-8");
  EXPECT_EQ(template_problem({"a=b"}, ":path"), "--mini-program is APPID or APPID:PATH");

  const auto text_problem = [](const std::string& openid, const std::string& content) {
    return std::string(ToRequest(GlobalArgs{}, SendTextArgs{.openid = openid, .content = content})
                           .status()
                           .message());
  };
  EXPECT_EQ(text_problem("oA", ""), "the text is empty");
  EXPECT_EQ(text_problem("oA", "\xc3("), "the text is not UTF-8");
  EXPECT_EQ(text_problem("oA", std::string(2049, 'x')),
            "the text has 2049 bytes, WeChat takes 2048 at most");
  EXPECT_EQ(text_problem("oA", std::string(2048, 'x')), "");
  EXPECT_THAT(text_problem("o A", "x"), HasSubstr("'o A' is no openid"));
  EXPECT_THAT(text_problem("", "x"), HasSubstr("is no openid"));
  EXPECT_THAT(text_problem(std::string(129, 'o'), "x"), HasSubstr("is no openid"));
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

TEST(Notification, WhatCannotBeSentIsNamed) {
  EXPECT_EQ(Problem(R"({"text":{"content":"hi"}})"), "no recipient: openid is missing");
  EXPECT_EQ(Problem(R"({"openid":"oA"})"), "nothing to send: text or template is missing");
  EXPECT_EQ(Problem(R"({"openid":"oA","text":{}})"), "the text is empty");
  EXPECT_EQ(Problem(R"({"openid":"oA","template":{"template_id":"T"}})"),
            "the template has no data");
  EXPECT_EQ(Problem(R"({"openid":"oA","template":{"data":{"a":"b"}}})"),
            "the template_id is empty");
  EXPECT_EQ(Problem(R"({"openid":"oA","text":{"content":"x"},"send_time":"2030-01-01T00:00:00Z"})"),
            "send_time can't be used in a batch");
  EXPECT_EQ(Problem("\xff"), "not UTF-8");
  for (const char* bad :
       {"{", "[]", "5", "null", "hello", R"({"openid":"oA","txt":{}})",
        R"({"openid":5.5,"text":{"content":"x"}})",
        R"({"openid":"oA","text":{"content":"x"}} trailing)",
        R"({"openid":"oA","text":{"content":"x"},"template":{"template_id":"T"}})"}) {
    EXPECT_NE(Problem(bad), "") << bad;
    EXPECT_EQ(Problem(bad).find('\n'), std::string::npos) << bad;
  }
  EXPECT_THAT(Problem(R"({"openid":"oA","txt":{}})"), HasSubstr("txt"));
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
