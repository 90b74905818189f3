// The one table that says what became of an attempt, line by line.
#include "server/wechat/attempt.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "tests/support/status_matchers.h"

namespace hongyan::wechat {
namespace {

using http::HttpFailure;
using http::HttpResponse;
using http::HttpResult;
using ::testing::HasSubstr;
using ::testing::Not;

using Kind = HttpFailure::Kind;
using Outcome = Attempt::Outcome;

constexpr bool kBegan = true;
constexpr bool kNothingLeft = false;

struct Line {
  const char* name;
  HttpResult result;
  Outcome outcome;
  AbsentErrcode absent = AbsentErrcode::kIsZero;
};

Line Failure(const char* name, Kind kind, bool began, Outcome outcome) {
  return {name, HttpFailure{kind, began, "what happened"}, outcome};
}
Line Answer(const char* name, int status, std::string body, Outcome outcome) {
  return {name, HttpResponse{status, std::move(body)}, outcome};
}

// The answer to a send, which never lacks its errcode.
Line SendAnswer(const char* name, std::string body, Outcome outcome) {
  return {name, HttpResponse{200, std::move(body)}, outcome, AbsentErrcode::kIsUnintelligible};
}

class ClassifyAttemptTest : public ::testing::TestWithParam<Line> {};

TEST_P(ClassifyAttemptTest, HasItsClass) {
  const Attempt attempt = ClassifyAttempt(GetParam().result, GetParam().absent);
  EXPECT_EQ(attempt.outcome, GetParam().outcome);
  const auto* failure = std::get_if<HttpFailure>(&GetParam().result);
  EXPECT_EQ(attempt.timed_out, failure != nullptr && failure->kind == Kind::kTimeout);
  EXPECT_EQ(attempt.cancelled, failure != nullptr && failure->kind == Kind::kCancelled);
  if (attempt.outcome != Outcome::kAnswered) {
    EXPECT_NE(attempt.detail, "");
    EXPECT_THAT(attempt.detail, Not(HasSubstr("canary"))) << "no text of the answer is quoted";
  }
}

INSTANTIATE_TEST_SUITE_P(
    NothingWasSent, ClassifyAttemptTest,
    ::testing::Values(
        Failure("Resolve", Kind::kResolve, kNothingLeft, Outcome::kNotSent),
        Failure("Connect", Kind::kConnect, kNothingLeft, Outcome::kNotSent),
        Failure("Tls", Kind::kTls, kNothingLeft, Outcome::kNotSent),
        Failure("NoConnectionFree", Kind::kBusy, kNothingLeft, Outcome::kNotSent),
        Failure("TimeoutBeforeTheRequest", Kind::kTimeout, kNothingLeft, Outcome::kNotSent),
        Failure("CancelledBeforeTheRequest", Kind::kCancelled, kNothingLeft, Outcome::kNotSent),
        Failure("SendBeforeTheFirstByte", Kind::kSend, kNothingLeft, Outcome::kNotSent)),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    MayHaveGoneOut, ClassifyAttemptTest,
    ::testing::Values(
        Failure("U07_KeepAliveDied", Kind::kNotResent, kBegan, Outcome::kUnknown),
        Failure("U07_KeepAliveDiedUnnoticed", Kind::kNotResent, kNothingLeft, Outcome::kUnknown),
        Failure("SendAfterTheFirstByte", Kind::kSend, kBegan, Outcome::kUnknown),
        Failure("U06_Receive", Kind::kReceive, kBegan, Outcome::kUnknown),
        Failure("ReceiveUnnoticed", Kind::kReceive, kNothingLeft, Outcome::kUnknown),
        Failure("U04_TimeoutAfterTheFirstByte", Kind::kTimeout, kBegan, Outcome::kUnknown),
        Failure("CancelledAfterTheFirstByte", Kind::kCancelled, kBegan, Outcome::kUnknown),
        Failure("U10_TooLarge", Kind::kTooLarge, kBegan, Outcome::kUnknown),
        Failure("OtherAfterTheFirstByte", Kind::kOther, kBegan, Outcome::kUnknown),
        Failure("TlsAfterTheFirstByte", Kind::kTls, kBegan, Outcome::kUnknown),
        Answer("U03_Http500", 500, "canary", Outcome::kUnknown),
        Answer("U03_Http502", 502, "<html>canary</html>", Outcome::kUnknown),
        Answer("U03_Http503", 503, R"({"errcode":0})", Outcome::kUnknown),
        Answer("U03_Http504", 504, "", Outcome::kUnknown),
        Answer("Http599", 599, "", Outcome::kUnknown),
        Answer("Http204", 204, "", Outcome::kUnknown),
        Answer("Http206", 206, R"({"errcode":0})", Outcome::kUnknown),
        Answer("Http200WithHtml", 200, "<html>canary</html>", Outcome::kUnknown),
        Answer("Http200WithNothing", 200, "", Outcome::kUnknown),
        Answer("U05_Http200CutOff", 200, R"({"errcode":0,"errmsg":"canary)", Outcome::kUnknown),
        Answer("Http200WithAnArray", 200, R"([{"errcode":0}])", Outcome::kUnknown),
        Answer("U14_Http200WithErrcodeNull", 200, R"({"errcode":null})", Outcome::kUnknown)),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(TheFrontRefused, ClassifyAttemptTest,
                         ::testing::Values(Answer("U12_Http301", 301, "", Outcome::kRejected),
                                           Answer("U12_Http302", 302, "", Outcome::kRejected),
                                           Answer("Http400", 400, "canary", Outcome::kRejected),
                                           Answer("Http403", 403, "canary", Outcome::kRejected),
                                           Answer("Http404", 404, "canary", Outcome::kRejected),
                                           Answer("U23_Http412", 412, "canary", Outcome::kRejected),
                                           Answer("Http451", 451, "", Outcome::kRejected)),
                         [](const auto& info) { return info.param.name; });

// What a proxy says when it gave up in the middle is no word about the message.
INSTANTIATE_TEST_SUITE_P(A14_ProxysOwnWords, ClassifyAttemptTest,
                         ::testing::Values(Answer("Http444", 444, "", Outcome::kUnknown),
                                           Answer("Http460", 460, "canary", Outcome::kUnknown),
                                           Answer("Http499", 499, "", Outcome::kUnknown)),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(A14_NotNow, ClassifyAttemptTest,
                         ::testing::Values(Answer("Http408", 408, "canary", Outcome::kNotNow),
                                           Answer("Http429", 429, "canary", Outcome::kNotNow)),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    A01_SendWithoutErrcode, ClassifyAttemptTest,
    ::testing::Values(SendAnswer("Empty", "{}", Outcome::kUnknown),
                      SendAnswer("Code", R"({"code":503,"message":"canary"})", Outcome::kUnknown),
                      SendAnswer("Ret", R"({"ret":-1})", Outcome::kUnknown),
                      SendAnswer("OtherCase", R"({"errCode":45015})", Outcome::kUnknown),
                      SendAnswer("ErrmsgAlone", R"({"errmsg":"ok"})", Outcome::kUnknown),
                      SendAnswer("InsideAnother", R"({"data":{"errcode":0}})", Outcome::kUnknown),
                      SendAnswer("Zero", R"({"errcode":0,"errmsg":"ok"})", Outcome::kAnswered),
                      SendAnswer("ZeroAsString", R"({"errcode":"0"})", Outcome::kAnswered),
                      SendAnswer("Refusal", R"({"errcode":45015,"errmsg":"no"})",
                                 Outcome::kAnswered)),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    WechatAnswered, ClassifyAttemptTest,
    ::testing::Values(
        Answer("Accepted", 200, R"({"errcode":0,"errmsg":"ok"})", Outcome::kAnswered),
        Answer("Busy", 200, R"({"errcode":-1,"errmsg":"system error"})", Outcome::kAnswered),
        Answer("Refused", 200, R"({"errcode":45015,"errmsg":"out of time"})", Outcome::kAnswered),
        Answer("U09_WithoutErrcode", 200, R"({"template_list":[]})", Outcome::kAnswered)),
    [](const auto& info) { return info.param.name; });

TEST(ClassifyAttempt, KeepsWhatWechatSaid) {
  const Attempt attempt =
      ClassifyAttempt(HttpResponse{200, R"({"errcode":45015,"errmsg":"late rid: 1-2-3"})"},
                      AbsentErrcode::kIsUnintelligible);
  EXPECT_EQ(attempt.answer.errcode, 45015);
  EXPECT_EQ(attempt.answer.errmsg, "late rid: 1-2-3");
}

TEST(ClassifyAttempt, SaysWhichHttpStatusItWas) {
  for (const int status : {502, 412, 408, 499}) {
    const Attempt attempt = ClassifyAttempt(HttpResponse{status, ""}, AbsentErrcode::kIsZero);
    EXPECT_THAT(attempt.detail, HasSubstr(std::to_string(status)));
    EXPECT_EQ(attempt.http_status, status);
  }
}

TEST(ClassifyAttempt, A14_RetryAfterIsBounded) {
  using Seconds = std::chrono::seconds;
  const auto pause = [](int status, std::int64_t asked) {
    return absl::ToInt64Seconds(
        ClassifyAttempt(HttpResponse{status, "", Seconds(asked)}, AbsentErrcode::kIsZero)
            .retry_after);
  };
  EXPECT_EQ(pause(429, 7), 7);
  EXPECT_EQ(pause(429, 0), 60) << "as where WeChat itself finds calls too many";
  EXPECT_EQ(pause(429, -3600), 1) << "a date that has passed";
  EXPECT_EQ(pause(429, std::numeric_limits<std::int64_t>::max()), 24 * 3600);
  EXPECT_EQ(pause(429, std::numeric_limits<std::int64_t>::min()), 1);
  EXPECT_EQ(pause(408, 0), 1);
  EXPECT_EQ(pause(408, 30), 30);
}

TEST(RefusalStatus, A14_SaysWhetherAnotherTimeMayDo) {
  const auto told = [](int status) {
    return RefusalStatus(
        ClassifyAttempt(HttpResponse{status, "", std::chrono::seconds(9)}, AbsentErrcode::kIsZero),
        "/cgi-bin/x");
  };
  const absl::Status throttled = told(429);
  EXPECT_THAT(throttled, support::StatusIs(absl::StatusCode::kResourceExhausted, "THROTTLED"));
  EXPECT_EQ(base::GetRetryDelay(throttled), absl::Seconds(9));
  const absl::Status late = told(408);
  EXPECT_THAT(late, support::StatusIs(absl::StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_EQ(base::GetRetryDelay(late), absl::Seconds(9));
  const absl::Status refused = told(404);
  EXPECT_THAT(refused, support::StatusIs(absl::StatusCode::kInternal, "WECHAT_ERROR"));
  EXPECT_EQ(base::GetRetryDelay(refused), std::nullopt);
  for (const absl::Status& status : {throttled, late, refused}) {
    EXPECT_EQ(base::GetMetadata(status, "api"), "/cgi-bin/x");
  }
}

}  // namespace
}  // namespace hongyan::wechat
