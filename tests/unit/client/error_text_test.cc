#include "client/cli/error_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hongyan/v1/errors.pb.h"

namespace hongyan::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const FailedCall kSendText{{"send text", "发送文本"}, Operation::kSend, "127.0.0.1:9090"};

client::Error WindowClosed() {
  client::Error error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.reason = "RESPONSE_WINDOW_CLOSED";
  error.domain = "weixin.qq.com";
  error.message = "sendText: response out of time limit";
  error.localized = "超过了 48 小时的回复时限";
  error.metadata = {{"account", "main"},
                    {"api", "/cgi-bin/message/custom/send"},
                    {"errcode", "45015"},
                    {"errmsg", "response out of time limit"},
                    {"rid", "6650-12ab"}};
  error.request_id = "r-7";
  return error;
}

TEST(ErrorText, EnglishInFull) {
  EXPECT_EQ(ErrorText(kSendText, WindowClosed(), Language::kEnglish),
            "hongyan: send text failed: sendText: response out of time limit\n"
            "  what to do: A text reaches people only within 48 hours of their last message; use "
            "`hongyan send template`, or wait until they write.\n"
            "  reason: RESPONSE_WINDOW_CLOSED (FAILED_PRECONDITION, weixin.qq.com)\n"
            "  account: main\n"
            "  api: /cgi-bin/message/custom/send\n"
            "  errcode: 45015\n"
            "  errmsg: response out of time limit\n"
            "  rid: 6650-12ab\n"
            "  request id: r-7\n");
}

TEST(ErrorText, ChineseInFull) {
  EXPECT_EQ(ErrorText(kSendText, WindowClosed(), Language::kChinese),
            "hongyan: 发送文本失败：超过了 48 小时的回复时限\n"
            "  怎么办：只有在用户最后一次互动后的 48 小时内才能发送客服消息；请改用 `hongyan send "
            "template`，或等用户再次发来消息。\n"
            "  原因：RESPONSE_WINDOW_CLOSED（FAILED_PRECONDITION，weixin.qq.com）\n"
            "  account：main\n"
            "  api：/cgi-bin/message/custom/send\n"
            "  errcode：45015\n"
            "  errmsg：response out of time limit\n"
            "  rid：6650-12ab\n"
            "  请求 ID：r-7\n");
}

TEST(ErrorText, FieldsQuotasAndWaitsHaveTheirLines) {
  client::Error error;
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = "THROTTLED";
  error.domain = "weixin.qq.com";
  error.fields = {{"template.data[thing1]", "at most 20 characters"}};
  error.quotas = {{"account:main", "500 a day"}};
  error.retry_delay = absl::Seconds(60);
  const std::string text = ErrorText(kSendText, error, Language::kEnglish);
  EXPECT_THAT(text, HasSubstr("\n  field: template.data[thing1]: at most 20 characters\n"));
  EXPECT_THAT(text, HasSubstr("\n  quota: account:main: 500 a day\n"));
  EXPECT_THAT(text, HasSubstr("\n  retry after: 1m\n"));
}

TEST(ErrorText, InChineseAFieldHasItsNameAlone) {
  client::Error error;
  error.code = absl::StatusCode::kInvalidArgument;
  error.reason = "INVALID_OPENID";
  error.message = "openid: the openid is malformed";
  error.localized = "openid 格式不正确";
  error.fields = {{"openid", "the openid is malformed"}};
  error.quotas = {{"account:main", "500 a day"}};
  std::string text = ErrorText(kSendText, error, Language::kChinese);
  EXPECT_THAT(text, HasSubstr("\n  字段：openid\n  额度：account:main\n"));
  EXPECT_THAT(text, Not(HasSubstr("malformed")));
  // Where nobody says it in Chinese, English is better than nothing.
  error.localized.clear();
  text = ErrorText(kSendText, error, Language::kChinese);
  EXPECT_THAT(text, HasSubstr("失败：openid: the openid is malformed\n"));
  EXPECT_THAT(text, HasSubstr("\n  字段：openid\n  额度：account:main：500 a day\n"));
}

TEST(ErrorText, WhatTheSentenceSaysIsNotSaidAgainBehindTheField) {
  client::Error error;
  error.code = absl::StatusCode::kInvalidArgument;
  error.reason = "INVALID_REQUEST";
  error.message = "types[0]: is no event type; There are text, image";
  error.fields = {{"types[0]", "is no event type; There are text, image"},
                  {"page_size", "must not be negative"}};
  const std::string text = ErrorText(kSendText, error, Language::kEnglish);
  EXPECT_THAT(text, HasSubstr("\n  field: types[0]\n  field: page_size: must not be negative\n"));
}

TEST(ErrorText, WithoutConnectionItSaysHowToCheck) {
  const client::Error error =
      client::Describe(client::NotConnected("127.0.0.1:9090", "Connection refused"));
  EXPECT_EQ(ErrorText(kSendText, error, Language::kEnglish),
            "hongyan: send text failed: no connection to 127.0.0.1:9090: Connection refused\n"
            "  what to do: Nothing was sent. Is hongyand running and listening at 127.0.0.1:9090? "
            "Check --target or HONGYAN_TARGET, and --tls; on the service's machine try: curl "
            "http://127.0.0.1:9091/readyz\n"
            "  reason: UNAVAILABLE\n");
  EXPECT_THAT(ErrorText(kSendText, error, Language::kChinese),
              testing::StartsWith("hongyan: 发送文本失败：无法连接服务（no connection to "));
}

TEST(ErrorText, ALostSendMayHaveGoneOutALostReadHarmsNobody) {
  client::Error error;
  error.code = absl::StatusCode::kUnavailable;
  error.message = "Socket closed";
  EXPECT_THAT(ErrorText(kSendText, error, Language::kEnglish),
              HasSubstr("the message may have gone out"));
  EXPECT_THAT(ErrorText(kSendText, error, Language::kChinese), HasSubstr("消息可能已经发出"));
  const FailedCall get{{"user get", "查询用户"}, Operation::kRead, "h:1"};
  EXPECT_THAT(ErrorText(get, error, Language::kEnglish), Not(HasSubstr("gone out")));
}

TEST(ErrorText, TheAddressForTheWhitelistIsNamed) {
  client::Error error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.reason = "ACCOUNT_CONFIG";
  error.metadata = {{"address", "203.0.113.7"}};
  EXPECT_THAT(RemedyFor(error, Operation::kSend, "h:1", Language::kEnglish),
              HasSubstr("Add 203.0.113.7 to the account's IP whitelist"));
  EXPECT_THAT(RemedyFor(error, Operation::kSend, "h:1", Language::kChinese),
              HasSubstr("203.0.113.7 加入 IP 白名单"));
}

TEST(ErrorText, NothingOfTheServiceSteersTheTerminal) {
  client::Error error = WindowClosed();
  error.message = "x\x1b]0;title\x07\ny";
  error.localized =
      "\xc2\x9b"
      "2J";
  error.metadata["errmsg"] = "\x1b[31m";
  error.request_id = "\r";
  error.fields = {{"\x1b", "\x1b"}};
  for (const Language language : {Language::kEnglish, Language::kChinese}) {
    const std::string text = ErrorText(kSendText, error, language);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
  }
}

TEST(Remedies, EveryReasonHasOneInBothLanguages) {
  const std::string unknown =
      RemedyFor(client::Error(), Operation::kSend, "h:1", Language::kEnglish);
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    if (reasons->value(i)->number() == 0) continue;
    const std::string name = reasons->value(i)->name().substr(std::string("ERROR_REASON_").size());
    client::Error error;
    error.reason = name;
    const std::string english = RemedyFor(error, Operation::kSend, "h:1", Language::kEnglish);
    const std::string chinese = RemedyFor(error, Operation::kSend, "h:1", Language::kChinese);
    EXPECT_NE(english, unknown) << name;
    EXPECT_NE(english, chinese) << name;
    EXPECT_EQ(english.back(), '.') << name;
    EXPECT_TRUE(chinese.ends_with("。")) << name;
  }
}

}  // namespace
}  // namespace hongyan::cli
