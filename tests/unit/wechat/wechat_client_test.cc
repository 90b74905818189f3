// One call's walk: token, request, errcode, and what the caller hears.
#include "server/wechat/wechat_client.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
using support::Held;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::kStableTokenPath;
using support::kTemplateListPath;
using support::kTemplatePath;
using support::kTextPath;
using support::kTypingPath;
using support::kUserBatchPath;
using support::kUserPath;
using support::NeverAnswers;
using support::Refuses;
using support::Reply;
using support::Slowly;
using support::StatusIs;
using support::Token;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(WechatClientTest, TextIsAcceptedWithOneRequest) {
  http_.Always(kTextPath, Accepts());
  const SendResult result = SendText();
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 1);
  const auto request = http_.requests(kTextPath).front();
  EXPECT_EQ(request.url, "https://api.example/cgi-bin/message/custom/send?access_token=t1");
  EXPECT_EQ(request.method, http::HttpRequest::Method::kPost);
  EXPECT_EQ(request.body, R"({"touser":"oABC","msgtype":"text","text":{"content":"您好"}})");
}

TEST_F(WechatClientTest, TemplateAnswerYieldsItsMsgId) {
  http_.Always(kTemplatePath, AcceptsAs(3717005636572528642));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.msg_id, 3717005636572528642);
}

TEST_F(WechatClientTest, ReadsAreGetsWithTheirQueryEscaped) {
  http_.Always(kUserPath, Json(R"({"subscribe":1,"openid":"o&A"})"));
  http_.Always(kTemplateListPath, Json(R"({"template_list":[]})"));
  EXPECT_THAT(Await(client_.GetUser("o&A", "zh_CN", Within(Seconds(1)))), IsOk());
  EXPECT_THAT(Await(client_.ListTemplates(Within(Seconds(1)))), IsOk());
  EXPECT_EQ(http_.requests(kUserPath).front().url,
            "https://api.example/cgi-bin/user/info?access_token=t1&openid=o%26A&lang=zh_CN");
  EXPECT_EQ(http_.requests(kTemplateListPath).front().url,
            "https://api.example/cgi-bin/template/get_all_private_template?access_token=t1");
  EXPECT_EQ(http_.requests(kUserPath).front().method, http::HttpRequest::Method::kGet);
}

TEST_F(WechatClientTest, T10_TokenIsEscapedInTheUrl) {
  http_.Always(kStableTokenPath, Token("a+b/c=d&e f#"));
  http_.Always(kTextPath, Accepts());
  EXPECT_THAT(SendText(), IsAccepted());
  EXPECT_EQ(http_.requests(kTextPath).front().query, "access_token=a%2Bb%2Fc%3Dd%26e%20f%23");
}
// --- nothing sent

TEST_F(WechatClientTest, N03_RefusedConnectionIsAFailureForCertain) {
  http_.Always(kTextPath, ConnectionRefused());
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_EQ(result.attempts, 0);
}

TEST_F(WechatClientTest, G05_LessThanFiftyMillisecondsIsTooShort) {
  for (const absl::Duration left :
       {Milliseconds(49), Milliseconds(1), absl::ZeroDuration(), -Seconds(1)}) {
    const SendResult result = SendText(left);
    EXPECT_THAT(result, FailedWith(StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT")) << left;
    EXPECT_EQ(result.attempts, 0);
  }
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(WechatClientTest, G05_TimeUsedUpByTheTokenIsTooShort) {
  http_.Always(kStableTokenPath, Slowly(Seconds(1), Token("t1")));
  const SendResult result = SendText(Milliseconds(1020));
  EXPECT_THAT(result, FailedWith(StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT"));
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(WechatClientTest, G05_FiftyMillisecondsAreEnough) {
  http_.Always(kTextPath, Accepts());
  EXPECT_THAT(SendText(), IsAccepted());
  EXPECT_THAT(SendText(Milliseconds(60)), IsAccepted());
}

TEST_F(WechatClientTest, G07_CancelledBeforeTheRequestSendsNothing) {
  http_.Always(kStableTokenPath, Held(Token("t1")));
  auto call = Start(Text(Within(Seconds(30))));
  call.Cancel();
  EXPECT_THAT(call.value(), FailedWith(StatusCode::kCancelled, "CANCELLED"));
  http_.Release();
  clock_.Settle();
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(WechatClientTest, G07_CancelledWhileTheRequestIsOnItsWayIsUnknown) {
  http_.Always(kTextPath, Held(Accepts()));
  auto call = Start(Text(Within(Seconds(30))));
  clock_.Advance(Seconds(1));
  ASSERT_FALSE(call.done());
  call.Cancel();
  EXPECT_TRUE(call.value().outcome_unknown);
  EXPECT_EQ(base::GetReason(call.value().status), "OUTCOME_UNKNOWN");
  EXPECT_EQ(call.value().attempts, 1);
}

TEST_F(WechatClientTest, G07_CancelledTemplateIsNotRepeated) {
  http_.Always(kTemplatePath, Held(Accepts()));
  auto call = Start(Template(kId, Within(Seconds(30))));
  clock_.Advance(Seconds(1));
  call.Cancel();
  EXPECT_TRUE(call.value().outcome_unknown);
  clock_.Advance(Seconds(30));
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
}

TEST_F(WechatClientTest, G07_CancelledWhilePausingSendsNothingMore) {
  http_.Always(kTextPath, Refuses(-1));
  auto call = Start(Text(Within(Seconds(30))));
  clock_.Advance(Milliseconds(500));
  ASSERT_FALSE(call.done());
  call.Cancel();
  EXPECT_FALSE(call.value().status.ok());
  EXPECT_FALSE(call.value().outcome_unknown);
  clock_.Advance(Seconds(30));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(WechatClientTest, G07_CancelledReadIsCancelled) {
  http_.Always(kUserPath, Held(Accepts()));
  auto call = Start(client_.GetUser("oABC", "", Within(Seconds(30))));
  clock_.Advance(Seconds(1));
  call.Cancel();
  EXPECT_THAT(call.value(), StatusIs(StatusCode::kCancelled, "CANCELLED"));
  clock_.Advance(Seconds(30));
  EXPECT_EQ(http_.count(kUserPath), 1u);
}

TEST_F(WechatClientTest, U12_RedirectIsNotFollowed) {
  http_.Always(kTextPath, HttpStatus(302));
  EXPECT_THAT(SendText(), FailedWith(StatusCode::kInternal, "WECHAT_ERROR"));
  EXPECT_EQ(http_.requests().size(), 2u);  // the token and the text
}

TEST_F(WechatClientTest, U23_RequestThatTheFrontRefusesIsInternal) {
  for (const int status : {412, 403, 404}) {
    http_.Next(kTextPath, HttpStatus(status));
    EXPECT_THAT(SendText(), FailedWith(StatusCode::kInternal, "WECHAT_ERROR"));
  }
  EXPECT_EQ(http_.count(kTextPath), 3u);
}

TEST_F(WechatClientTest, RequestHasItsTimeoutAndNoMoreThanTheCallersTime) {
  http_.Always(kTextPath, Accepts());
  SendText(Seconds(30));
  SendText(Seconds(2));
  const auto requests = http_.requests(kTextPath);
  EXPECT_EQ(async::Between(requests[0].at, requests[0].deadline), Seconds(5));
  EXPECT_EQ(async::Between(requests[1].at, requests[1].deadline), Seconds(2));
}

// --- the token

class TokenRefused : public WechatClientTest, public ::testing::WithParamInterface<int> {
 protected:
  TokenRefused() {
    http_.Next(kStableTokenPath, Token("t1"));
    http_.Always(kStableTokenPath, Token("t2"));
  }
};

TEST_P(TokenRefused, T02_TokenIsReplacedAndTheCallRepeated) {
  http_.Next(kTextPath, Refuses(GetParam()));
  http_.Next(kTextPath, Accepts());
  const SendResult result = SendText();
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(http_.requests(kTextPath)[0].query, "access_token=t1");
  EXPECT_EQ(http_.requests(kTextPath)[1].query, "access_token=t2");
}

TEST_P(TokenRefused, T08_ForEverMeansTwoRequestsACall) {
  http_.Always(kTextPath, Refuses(GetParam()));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kUnavailable, "ACCESS_TOKEN_REJECTED"));
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(http_.count(kTextPath), 2u);
  EXPECT_EQ(http_.count(kStableTokenPath), 2u);
  EXPECT_EQ(base::GetMetadata(result.status, "api"), kTextPath);
}

INSTANTIATE_TEST_SUITE_P(, TokenRefused, ::testing::Values(40001, 40014, 42001),
                         ::testing::PrintToStringParamName());

TEST_F(WechatClientTest, TokenIsReplacedOnceWhateverTheCodes) {
  http_.Next(kStableTokenPath, Token("t0"));
  http_.Next(kTextPath, Refuses(42001));
  http_.Next(kTextPath, Refuses(40001));
  EXPECT_THAT(SendText(), FailedWith(StatusCode::kUnavailable, "ACCESS_TOKEN_REJECTED"));
  EXPECT_EQ(http_.count(kTextPath), 2u);
}

TEST_F(WechatClientTest, TokenRefusalsAndBusyAnswersHaveTheirOwnRepeats) {
  http_.Next(kStableTokenPath, Token("t0"));
  http_.Next(kTextPath, Refuses(-1));
  http_.Next(kTextPath, Refuses(40001));
  http_.Next(kTextPath, Refuses(-1));
  http_.Next(kTextPath, Accepts());
  const SendResult result = SendText();
  EXPECT_THAT(result, IsAccepted());
  EXPECT_EQ(result.attempts, 4);
}

TEST_F(WechatClientTest, T02_ManySendsUnderOneRefusedTokenEachRepeatOnce) {
  std::string valid = "t1";
  http_.Respond(kStableTokenPath, [&](const auto&) { return Token(valid); });
  http_.Respond(kTextPath, [&](const auto& request) {
    return Slowly(Seconds(1),
                  request.query == "access_token=" + valid ? Accepts() : Refuses(40001));
  });
  ASSERT_THAT(SendText(), IsAccepted());
  valid = "t2";
  std::vector<support::Started<SendResult>> calls;
  for (int i = 0; i < 200; ++i) calls.push_back(Start(Text(Within(Seconds(30)))));
  clock_.Advance(Seconds(10));
  for (const auto& call : calls) {
    EXPECT_THAT(call.value(), IsAccepted());
    EXPECT_EQ(call.value().attempts, 2);
  }
  EXPECT_EQ(http_.count(kStableTokenPath), 2u);
}

TEST_F(WechatClientTest, T07_BrokenCredentialsAreTheCallsError) {
  http_.Always(kStableTokenPath, Refuses(40164));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kFailedPrecondition, "ACCOUNT_CONFIG"));
  EXPECT_EQ(result.attempts, 0);
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(WechatClientTest, T08_PermissionProblemsNeverCostAToken) {
  http_.Always(kTextPath, Refuses(48001));
  EXPECT_THAT(SendText(), FailedWith(StatusCode::kPermissionDenied, "API_UNAUTHORIZED"));
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_EQ(http_.count(kStableTokenPath), 1u);
}

// --- definite refusals

struct Refusal {
  int errcode;
  StatusCode code;
  const char* reason;
};

class DefiniteRefusal : public WechatClientTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(DefiniteRefusal, U16_U17_U18_U19_U21_U22_IsOneRequestAndNoRepeat) {
  http_.Always(kTextPath, Refuses(GetParam().errcode));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(GetParam().code, GetParam().reason));
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_EQ(base::GetMetadata(result.status, "errcode"), absl::StrCat(GetParam().errcode));
  EXPECT_EQ(base::GetMetadata(result.status, "rid"), support::kRid);
  EXPECT_EQ(support::DomainOf(result.status), "weixin.qq.com");
}

INSTANTIATE_TEST_SUITE_P(
    , DefiniteRefusal,
    ::testing::Values(
        Refusal{99999, StatusCode::kUnknown, "WECHAT_ERROR"},                        // U16
        Refusal{45009, StatusCode::kResourceExhausted, "QUOTA_EXHAUSTED"},           // U17
        Refusal{45011, StatusCode::kResourceExhausted, "THROTTLED"},                 // U18
        Refusal{45015, StatusCode::kFailedPrecondition, "RESPONSE_WINDOW_CLOSED"},   // U19
        Refusal{45047, StatusCode::kFailedPrecondition, "RESPONSE_ALLOWANCE_USED"},  // U19
        Refusal{43004, StatusCode::kFailedPrecondition, "NOT_SUBSCRIBED"},           // U21
        Refusal{43101, StatusCode::kFailedPrecondition, "RECIPIENT_REFUSED"},        // U21
        Refusal{43019, StatusCode::kFailedPrecondition, "RECIPIENT_BLOCKED"},        // U21
        Refusal{48002, StatusCode::kFailedPrecondition, "RECIPIENT_REFUSED"},        // U21
        Refusal{40003, StatusCode::kInvalidArgument, "INVALID_OPENID"},              // U22
        Refusal{40037, StatusCode::kInvalidArgument, "INVALID_TEMPLATE_ID"},         // U22
        Refusal{47003, StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"}),     // U22
    [](const auto& info) { return absl::StrCat("Errcode", info.param.errcode); });

TEST_F(WechatClientTest, U18_ThrottledSaysWhenToComeBack) {
  http_.Always(kTextPath, Refuses(45011));
  const SendResult result = SendText();
  ASSERT_TRUE(base::GetRetryDelay(result.status).has_value());
  EXPECT_GE(*base::GetRetryDelay(result.status), Seconds(60));
}

TEST_F(WechatClientTest, U22_RefusedTemplateValueNamesItsField) {
  http_.Always(kTemplatePath, Refuses(47003, "argument invalid! data.thing22.value invalid"));
  const SendResult result = SendTemplate(kId);
  EXPECT_THAT(result, FailedWith(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
  EXPECT_THAT(support::FieldsOf(result.status), ElementsAre(HasSubstr("thing22")));
}

// --- quotas

TEST_F(WechatClientTest, U17_QuotaNamesItself) {
  http_.Always(kTextPath, Refuses(45009));
  EXPECT_EQ(support::QuotaViolationsOf(SendText().status), 1);
}

TEST_F(WechatClientTest, U17_ThreeInARowPauseThisPathForFiveSeconds) {
  http_.Always(kTextPath, Refuses(45009));
  http_.Always(kTemplatePath, AcceptsAs(1));
  for (int i = 0; i < 3; ++i) SendText();
  EXPECT_EQ(http_.count(kTextPath), 3u);

  const SendResult paused = SendText();
  EXPECT_THAT(paused, FailedWith(StatusCode::kResourceExhausted, "QUOTA_EXHAUSTED"));
  EXPECT_EQ(paused.attempts, 0);
  EXPECT_EQ(support::QuotaViolationsOf(paused.status), 1);
  EXPECT_EQ(http_.count(kTextPath), 3u);
  EXPECT_THAT(SendTemplate(kId), IsAccepted()) << "another API works on";

  clock_.Advance(Milliseconds(4900));
  SendText();
  EXPECT_EQ(http_.count(kTextPath), 3u);
  clock_.Advance(Milliseconds(200));
  SendText();
  EXPECT_EQ(http_.count(kTextPath), 4u);
  SendText();
  EXPECT_EQ(http_.count(kTextPath), 4u) << "still used up, so left alone for another five seconds";

  http_.Always(kTextPath, Accepts());
  clock_.Advance(Seconds(6));
  EXPECT_THAT(SendText(), IsAccepted());
  EXPECT_THAT(SendText(), IsAccepted());
}

TEST_F(WechatClientTest, U17_AnyOtherAnswerStartsTheCountAgain) {
  for (const int errcode : {45009, 45009, 43004, 45009, 45009, 43004}) {
    http_.Next(kTextPath, Refuses(errcode));
    SendText();
  }
  EXPECT_EQ(http_.count(kTextPath), 6u);
}

TEST_F(WechatClientTest, U17_OtherAccountsKeepTheirQuota) {
  AccessToken other_token(OptionsOf("other"), transport_, clock_, metrics_, group_);
  WechatClient other("other", other_token, transport_, clock_);
  tokens_at_once_ = 2;
  for (int i = 0; i < 3; ++i) {
    http_.Next(kTextPath, Refuses(45009));
    SendText();
  }
  http_.Always(kTextPath, Accepts());
  const model::Message hello = Compile(TextMessage{"您好", ""});
  EXPECT_THAT(Await(other.Send("oABC", hello, "", Within(Seconds(1)))), IsAccepted());
}

// --- the rest

TEST_F(WechatClientTest, TypingAlreadyIsNoError) {
  http_.Next(kTypingPath, Refuses(45081));
  EXPECT_THAT(Await(client_.SetTyping("oABC", false, Within(Seconds(1)))), IsOk());
  http_.Next(kTypingPath, Accepts());
  EXPECT_THAT(Await(client_.SetTyping("oABC", true, Within(Seconds(1)))), IsOk());
  EXPECT_EQ(http_.requests(kTypingPath)[0].body, R"({"touser":"oABC","command":"Typing"})");
  EXPECT_EQ(http_.requests(kTypingPath)[1].body, R"({"touser":"oABC","command":"CancelTyping"})");
}

TEST_F(WechatClientTest, UsersComeAsTheyAre) {
  http_.Always(
      kUserBatchPath,
      Json(R"({"user_info_list":[{"subscribe":1,"openid":"o2"},{"subscribe":0,"openid":"o1"}]})"));
  const auto users = Await(client_.GetUsers({"o1", "o2", "o3"}, "en", Within(Seconds(1))));
  ASSERT_THAT(users, IsOk());
  ASSERT_EQ(users->users.size(), 2u);
  EXPECT_EQ(users->users[0].openid, "o2");
  EXPECT_EQ(users->users[0].subscribed, true);
  EXPECT_EQ(users->users[1].subscribed, false);
}

TEST_F(WechatClientTest, A12_UserWithoutOpenidIsTheOneAskedFor) {
  http_.Always(kUserPath, Json(R"({"subscribe":1,"openid":12,"remark":"r"})"));
  const auto user = GetUser();
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->openid, "oABC");
  EXPECT_EQ(user->profile.remark, "r");
}

// Neither "try again later" nor "has left".
TEST_F(WechatClientTest, A12_UserOfWhomNothingIsSaidIsAnErrorThatStays) {
  for (const char* answer :
       {R"({"subscribe":"yes","openid":"oABC"})", R"({"openid":"oABC","remark":"r"})", "{}"}) {
    http_.Always(kUserPath, Json(answer));
    const auto user = GetUser();
    EXPECT_THAT(user, StatusIs(StatusCode::kInternal, "WECHAT_ERROR")) << answer;
    EXPECT_EQ(base::GetRetryDelay(user.status()), std::nullopt) << answer;
    EXPECT_THAT(std::string(user.status().message()),
                HasSubstr(answer == std::string("{}") ? "`openid`" : "`subscribe`"));
  }
  EXPECT_EQ(http_.count(kUserPath), 3u) << "it isn't asked for again";
}

TEST_F(WechatClientTest, ReadWithoutItsFieldsIsUnavailable) {
  http_.Always(kTemplateListPath, Json("{}"));
  EXPECT_THAT(Await(client_.ListTemplates(Within(Seconds(30)))),
              StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
}

TEST_F(WechatClientTest, S02_TokenIsInNoError) {
  http_.Always(kStableTokenPath, Token("canary-token"));
  for (const Reply& reply :
       {Refuses(40001), Refuses(-1), Refuses(99999), HttpStatus(502), HttpStatus(403),
        ConnectionRefused(), BreaksAfterSending(), Json("canary-token"), NeverAnswers()}) {
    http_.Always(kTextPath, reply);
    const SendResult result = SendText();
    EXPECT_FALSE(result.status.ok());
    EXPECT_THAT(result.status.ToString(absl::StatusToStringMode::kWithEverything),
                Not(HasSubstr("canary")));
  }
}
TEST_F(WechatClientTest, S02_FormerTokenThatWechatQuotesIsBlottedOut) {
  http_.Next(kStableTokenPath, support::Token("canary-token-one"));
  http_.Next(kStableTokenPath, support::Token("canary-token-two"));
  http_.Next(kTextPath, Refuses(40001));
  http_.Next(kTextPath, Refuses(45015, "canary-token-one, now canary-token-two"));
  const SendResult result = SendText();
  EXPECT_THAT(result, FailedWith(StatusCode::kFailedPrecondition, "RESPONSE_WINDOW_CLOSED"));
  EXPECT_THAT(result.status.ToString(absl::StatusToStringMode::kWithEverything),
              Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace hongyan::wechat
