// When a call is repeated, and when not: a message whose outcome is unknown never leaves a second
// time, unless WeChat recognizes it.
#include <string>

#include "absl/strings/str_cat.h"
#include "server/wechat/wechat_client.h"
#include "tests/unit/wechat/wechat_client_fixture.h"

namespace hongyan::wechat {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using absl::StatusCode;
using support::Accepts;
using support::AcceptsAs;
using support::BreaksAfterSending;
using support::ConnectionRefused;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::KeepAliveDied;
using support::kStableTokenPath;
using support::kTemplatePath;
using support::kTextPath;
using support::kTypingPath;
using support::kUserPath;
using support::NeverAnswers;
using support::Refuses;
using support::Reply;
using support::Slowly;
using support::StatusIs;
using ::testing::HasSubstr;

// --- busy

TEST_F(WechatClientTest, U01_BusyTwiceThenAcceptedTakesThreeAttempts) {
  http_.Next(kTextPath, Refuses(-1));
  http_.Next(kTextPath, Refuses(-1));
  http_.Next(kTextPath, Accepts());
  const SendResult result = SendText();
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 3);
  const auto pauses = PausesOf(kTextPath);
  EXPECT_GE(pauses[0], 1);
  EXPECT_LT(pauses[0], 2);
  EXPECT_GE(pauses[1], 2);
  EXPECT_LT(pauses[1], 4);
}

TEST_F(WechatClientTest, U01_AlwaysBusyGivesUpAfterThreeRepeats) {
  http_.Always(kTextPath, Refuses(-1, "system error"));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "WECHAT_BUSY"));
  EXPECT_EQ(result.attempts, 4);
  EXPECT_EQ(http_.count(kTextPath), 4u);
  EXPECT_TRUE(base::GetRetryDelay(result.status).has_value());
  EXPECT_EQ(base::GetMetadata(result.status, "rid"), support::kRid);
  EXPECT_EQ(base::GetMetadata(result.status, "errcode"), "-1");
  EXPECT_EQ(base::GetMetadata(result.status, "api"), kTextPath);
  EXPECT_EQ(support::DomainOf(result.status), "weixin.qq.com");
}

TEST_F(WechatClientTest, U01_DeadlineTooNearGivesUpAtOnceWithWhatWechatSaid) {
  http_.Always(kTextPath, Refuses(-1));
  auto call = Start(Text(Within(Milliseconds(900))));
  const SendResult result = call.value();  // no time has passed
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "WECHAT_BUSY"));
  EXPECT_EQ(result.attempts, 1);
}

TEST_F(WechatClientTest, U01_PausesAreInsideTheDeadline) {
  http_.Always(kTextPath, Refuses(-1));
  const async::MonoTime deadline = In(Milliseconds(3500));
  const SendResult result = Await(Text({deadline, true}));
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "WECHAT_BUSY"));
  EXPECT_LE(result.attempts, 3);
  EXPECT_LT(clock_.Mono(), deadline);
}

TEST_F(WechatClientTest, BusyTokenEndpointIsWaitedForToo) {
  http_.Next(kStableTokenPath, Refuses(-1));
  http_.Always(kTextPath, Accepts());
  EXPECT_THAT(SendText(), IsAccepted());
}
// --- unknown outcomes

struct Loss {
  const char* name;
  Reply reply;
};

class LostAnswer : public WechatClientTest, public ::testing::WithParamInterface<Loss> {};

TEST_P(LostAnswer, U03_TextIsUnknownAndNotSentAgain) {
  http_.Next(kTextPath, GetParam().reply);
  const SendResult result = SendText();
  EXPECT_THAT(result, UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_EQ(base::GetMetadata(result.status, "api"), kTextPath);
  EXPECT_EQ(support::DomainOf(result.status), "hongyan");
}

TEST_P(LostAnswer, U03_TemplateWithIdIsSentAgainWithTheSameId) {
  http_.Next(kTemplatePath, GetParam().reply);
  http_.Next(kTemplatePath, AcceptsAs(7));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(result.msg_id, 7);
  const auto requests = http_.requests(kTemplatePath);
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_THAT(requests[0].body, HasSubstr(absl::StrCat(R"("client_msg_id":")", kId, R"(")")));
}

TEST_P(LostAnswer, U03_TemplateWithoutIdIsNotSentAgain) {
  http_.Next(kTemplatePath, GetParam().reply);
  const SendResult result = SendTemplate("");
  EXPECT_THAT(result, UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
}

TEST_P(LostAnswer, U03_TemplateThatStaysUnansweredIsUnknown) {
  http_.Always(kTemplatePath, GetParam().reply);
  const SendResult result = SendTemplate(kId, Seconds(60));
  EXPECT_THAT(result, UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(result.attempts, 4);
}

TEST_P(LostAnswer, U03_ReadIsRepeated) {
  http_.Next(kUserPath, GetParam().reply);
  http_.Next(kUserPath, Json(R"({"subscribe":1,"openid":"oABC"})"));
  EXPECT_THAT(GetUser(), IsOk());
}

TEST_P(LostAnswer, U03_ReadThatStaysUnansweredIsUnavailable) {
  http_.Always(kUserPath, GetParam().reply);
  EXPECT_THAT(GetUser(), StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_EQ(http_.count(kUserPath), 4u);
}

TEST_P(LostAnswer, U03_TypingIsNotSentAgain) {
  http_.Next(kTypingPath, GetParam().reply);
  EXPECT_THAT(Await(client_.SetTyping("oABC", false, Within(Seconds(30)))),
              StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
  EXPECT_EQ(http_.count(kTypingPath), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    , LostAnswer,
    ::testing::Values(Loss{"U03_Http500", HttpStatus(500)}, Loss{"U03_Http502", HttpStatus(502)},
                      Loss{"U03_Http503", HttpStatus(503)},
                      Loss{"U04_AnswerAfterTheTimeout", Slowly(Seconds(6), Accepts())},
                      Loss{"U05_Truncated", Json(R"({"errcode":0,"errms)")},
                      Loss{"U06_Reset", BreaksAfterSending()},
                      Loss{"U07_KeepAliveDied", KeepAliveDied()},
                      Loss{"U14_ErrcodeNull", Json(R"({"errcode":null,"errmsg":"ok"})")},
                      Loss{"U14_ErrcodeDouble", Json(R"({"errcode":0.0,"errmsg":"ok"})")},
                      Loss{"Html", Json("<html>ok</html>")}),
    [](const auto& info) { return info.param.name; });

TEST_F(WechatClientTest, U04_CallersDeadlineThatEndsTheRequestIsDeadlineExceeded) {
  http_.Always(kTextPath, NeverAnswers());
  EXPECT_THAT(SendText(Seconds(3)), UnknownWith(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(WechatClientTest, U04_OwnCeilingThatEndsTheRequestIsUnknown) {
  http_.Always(kTextPath, NeverAnswers());
  EXPECT_THAT(Await(Text(Ceiling(Seconds(3)))), UnknownWith(StatusCode::kUnknown));
}

TEST_F(WechatClientTest, U04_OwnTimeoutBeforeTheCallersDeadlineIsUnknown) {
  http_.Always(kTextPath, NeverAnswers());
  const async::MonoTime start = clock_.Mono();
  EXPECT_THAT(SendText(Seconds(30)), UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(async::Between(start, clock_.Mono()), support::kTimeout);
}

TEST_F(WechatClientTest, A01_U14_MsgIdThatIsNoneIsAcceptedWithoutOne) {
  for (const char* msg_id : {"-5", "1.5", "[1]", R"("x")", "9223372036854775808"}) {
    http_.Always(kTemplatePath,
                 Json(absl::StrCat(R"({"errcode":0,"errmsg":"ok","msgid":)", msg_id, "}")));
    const SendResult result = SendTemplate(kId);
    EXPECT_THAT(result, IsAccepted()) << msg_id;
    EXPECT_EQ(result.msg_id, 0) << msg_id;
    EXPECT_EQ(result.attempts, 1) << msg_id;
  }
}

// What answers a send without errcode is not WeChat.
class A01_NoErrcode : public WechatClientTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(A01_NoErrcode, TextIsUnknownAndNotSentAgain) {
  http_.Always(kTextPath, Json(GetParam()));
  const SendResult result = SendText();
  EXPECT_THAT(result, UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_P(A01_NoErrcode, TemplateWithoutIdIsUnknownAndNotSentAgain) {
  http_.Always(kTemplatePath, Json(GetParam()));
  EXPECT_THAT(SendTemplate(""), UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
}

TEST_P(A01_NoErrcode, TemplateWithIdIsSentAgain) {
  http_.Next(kTemplatePath, Json(GetParam()));
  http_.Next(kTemplatePath, AcceptsAs(7));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 2);
}

TEST_P(A01_NoErrcode, TypingHasNoOutcomeThatCouldBeUnknown) {
  http_.Always(kTypingPath, Json(GetParam()));
  EXPECT_THAT(Await(client_.SetTyping("oABC", false, Within(Seconds(30)))),
              StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_EQ(http_.count(kTypingPath), 1u);
}

INSTANTIATE_TEST_SUITE_P(, A01_NoErrcode,
                         ::testing::Values("{}", R"({"code":503,"message":"x"})", R"({"ret":-1})",
                                           R"({"errCode":45015})", R"({"errmsg":"ok"})",
                                           R"({"msgid":7})"));

TEST_F(WechatClientTest, A01_ReadsNeedNoErrcode) {
  http_.Always(kUserPath, Json(R"({"subscribe":1,"openid":"oABC"})"));
  EXPECT_THAT(GetUser(), IsOk());
}

// --- what a front says instead of WeChat

support::Reply HttpWith(int status, int retry_after) {
  return {http::HttpResponse{status, "<html>", std::chrono::seconds(retry_after)}};
}

TEST_F(WechatClientTest, A14_TooManyRequestsIsThrottled) {
  http_.Always(kTextPath, HttpWith(429, 17));
  http_.Always(kUserPath, HttpWith(429, 17));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kResourceExhausted, "THROTTLED"));
  EXPECT_EQ(base::GetRetryDelay(result.status), Seconds(17));
  EXPECT_EQ(result.attempts, 1);
  EXPECT_THAT(GetUser(), StatusIs(StatusCode::kResourceExhausted, "THROTTLED"));
  EXPECT_EQ(http_.count(kUserPath), 1u);
}

TEST_F(WechatClientTest, A14_RequestTimeoutIsUnavailableAndOnlyAReadIsRepeated) {
  http_.Always(kTextPath, HttpWith(408, 0));
  http_.Next(kUserPath, HttpWith(408, 0));
  http_.Next(kUserPath, Json(R"({"subscribe":1,"openid":"oABC"})"));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_TRUE(base::GetRetryDelay(result.status).has_value());
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_THAT(GetUser(), IsOk());
}

TEST_F(WechatClientTest, A14_ClientClosedRequestIsABrokenAnswer) {
  http_.Always(kTextPath, HttpStatus(499));
  EXPECT_THAT(SendText(), UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(WechatClientTest, A14_NotNowAfterAnUnknownAttemptStaysUnknown) {
  for (const int status : {408, 429}) {
    http_.Next(kTemplatePath, BreaksAfterSending());
    http_.Next(kTemplatePath, HttpWith(status, 0));
    EXPECT_THAT(SendTemplate(kId), UnknownWith(StatusCode::kUnknown)) << status;
  }
}

TEST_F(WechatClientTest, TemplateAcceptedWithoutMsgIdIsAccepted) {
  http_.Always(kTemplatePath, Accepts());
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.msg_id, 0);
}

TEST_F(WechatClientTest, DuplicateAfterAnUnknownAttemptIsAccepted) {
  http_.Next(kTemplatePath, HttpStatus(502));
  http_.Next(kTemplatePath, Refuses(40241));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 2);
}

TEST_F(WechatClientTest, DuplicateOfTheFirstAttemptIsAFailure) {
  http_.Next(kTemplatePath, Refuses(40241));
  EXPECT_THAT(SendTemplate(kId), FailedWith(StatusCode::kAlreadyExists, "DUPLICATE_MESSAGE"));
}

// The repeat's id is this delivery's own, so the attempt that was answered -1 was taken all the
// same.
TEST_F(WechatClientTest, DuplicateAfterBusyIsOurOwn) {
  http_.Next(kTemplatePath, Refuses(-1));
  http_.Next(kTemplatePath, Refuses(44007));
  EXPECT_THAT(SendTemplate(kId), IsAccepted());
}

TEST_F(WechatClientTest, DuplicateAfterBusyWithoutAnIdIsAFailure) {
  http_.Next(kTemplatePath, Refuses(-1));
  http_.Next(kTemplatePath, Refuses(40241));
  EXPECT_THAT(SendTemplate(""), FailedWith(StatusCode::kAlreadyExists, "DUPLICATE_MESSAGE"));
}

struct Later {
  const char* name;
  Reply reply;
};

class DefiniteAfterUnknown : public WechatClientTest,
                             public ::testing::WithParamInterface<Later> {};

TEST_P(DefiniteAfterUnknown, StaysUnknown) {
  http_.Next(kTemplatePath, BreaksAfterSending());
  http_.Always(kTemplatePath, GetParam().reply);
  const SendResult result = SendTemplate(kId, Seconds(60));
  EXPECT_THAT(result, UnknownWith(StatusCode::kUnknown));
}

INSTANTIATE_TEST_SUITE_P(, DefiniteAfterUnknown,
                         ::testing::Values(Later{"NotSubscribed", Refuses(43004)},
                                           Later{"Quota", Refuses(45009)},
                                           Later{"Busy", Refuses(-1)},
                                           Later{"TokenForEver", Refuses(40001)},
                                           Later{"ConnectionRefused", ConnectionRefused()},
                                           Later{"Http403", HttpStatus(403)}),
                         [](const auto& info) { return info.param.name; });

TEST_F(WechatClientTest, UnknownThenDeadlineTooNearStaysUnknown) {
  http_.Always(kTemplatePath, HttpStatus(502));
  auto call = Start(Template(kId, Within(Milliseconds(900))));
  EXPECT_THAT(call.value(), UnknownWith(StatusCode::kUnknown));
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
}

TEST_F(WechatClientTest, UnknownThenBusyThenAcceptedIsAccepted) {
  http_.Next(kTemplatePath, HttpStatus(502));
  http_.Next(kTemplatePath, Refuses(-1));
  http_.Next(kTemplatePath, AcceptsAs(9));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 3);
}
}  // namespace
}  // namespace hongyan::wechat
