#include "server/wechat/attempt.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status.h"

namespace hongyan::wechat {
namespace {

using Kind = http::HttpFailure::Kind;

constexpr int kRequestTimeout = 408;
constexpr int kTooManyRequests = 429;
// The pause that WeChat's own limit by the minute asks for.
constexpr std::int64_t kThrottledSeconds = 60;
constexpr std::int64_t kLongestPauseSeconds = 24 * 3600;

// Whether whoever answers with this status says by it that the request was not taken: redirects,
// and the refusals that RFC 9110 and its kin register.
bool RefusesTheRequest(int status) {
  return (status >= 300 && status <= 417) || (status >= 421 && status <= 428) || status == 431 ||
         status == 451;
}

absl::Duration ReadRetryAfter(const http::HttpResponse& response) {
  std::int64_t seconds = response.retry_after.count();
  if (seconds == 0) seconds = response.status == kTooManyRequests ? kThrottledSeconds : 1;
  return absl::Seconds(std::clamp<std::int64_t>(seconds, 1, kLongestPauseSeconds));
}

Attempt FromFailure(http::HttpFailure failure) {
  Attempt attempt;
  attempt.detail = std::move(failure.detail);
  attempt.timed_out = failure.kind == Kind::kTimeout;
  attempt.cancelled = failure.kind == Kind::kCancelled;
  attempt.busy = failure.kind == Kind::kBusy;
  attempt.unreachable = failure.kind == Kind::kResolve || failure.kind == Kind::kConnect ||
                        failure.kind == Kind::kTls || failure.kind == Kind::kSend;
  attempt.answer_came = failure.kind == Kind::kTooLarge;
  attempt.peer_time = absl::FromChrono(failure.peer_time);
  switch (failure.kind) {
    case Kind::kResolve:
    case Kind::kConnect:
    case Kind::kTls:
    case Kind::kBusy:
    case Kind::kTimeout:
    case Kind::kCancelled:
    case Kind::kSend:
    case Kind::kOther:
      attempt.outcome =
          failure.request_began ? Attempt::Outcome::kUnknown : Attempt::Outcome::kNotSent;
      break;
    case Kind::kReceive:
    case Kind::kNotResent:
    case Kind::kTooLarge:
      attempt.outcome = Attempt::Outcome::kUnknown;
      break;
  }
  return attempt;
}

Attempt FromResponse(http::HttpResponse response, AbsentErrcode absent) {
  Attempt attempt;
  attempt.http_status = response.status;
  attempt.answer_came = true;
  if (response.status == 200) {
    auto answer = ParseAnswer(std::move(response.body));
    if (!answer.ok()) {
      attempt.detail = std::string(answer.status().message());
    } else if (!answer->has_errcode && absent == AbsentErrcode::kIsUnintelligible) {
      attempt.foreign = true;
      attempt.detail = "unintelligible answer: no errcode";
    } else {
      attempt.outcome = Attempt::Outcome::kAnswered;
      attempt.answer = *std::move(answer);
    }
    return attempt;
  }
  attempt.detail = absl::StrCat("HTTP ", response.status);
  if (response.status == kRequestTimeout || response.status == kTooManyRequests) {
    attempt.outcome = Attempt::Outcome::kNotNow;
    attempt.retry_after = ReadRetryAfter(response);
  } else if (RefusesTheRequest(response.status)) {
    attempt.outcome = Attempt::Outcome::kRejected;
  }
  return attempt;
}

}  // namespace

Attempt ClassifyAttempt(http::HttpResult result, AbsentErrcode absent) {
  if (auto* failure = std::get_if<http::HttpFailure>(&result)) {
    return FromFailure(std::move(*failure));
  }
  return FromResponse(std::move(std::get<http::HttpResponse>(result)), absent);
}

absl::Status RefusalStatus(const Attempt& attempt, const std::string& api) {
  using base::ErrorBuilder;
  using base::Reason;
  if (attempt.http_status == kTooManyRequests) {
    const std::int64_t seconds = absl::ToInt64Seconds(attempt.retry_after);
    return ErrorBuilder(absl::StatusCode::kResourceExhausted, Reason::kThrottled,
                        absl::StrCat("WeChat's front takes no more requests for now (HTTP 429); "
                                     "nothing was sent, try again in ",
                                     seconds, " s, and more slowly"))
        .SaidByWechat()
        .With("api", api)
        .RetryAfter(attempt.retry_after)
        .Chinese(absl::StrCat("微信前端限制了请求频率（HTTP 429），什么也没有发送，请 ", seconds,
                              " 秒后降低频率重试"));
  }
  if (attempt.outcome == Attempt::Outcome::kNotNow) {
    return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                        absl::StrCat("WeChat's front didn't take the request in time (",
                                     attempt.detail, "); nothing was sent, try again"))
        .With("api", api)
        .RetryAfter(attempt.retry_after)
        .Chinese(absl::StrCat("微信前端未能及时接收请求（", attempt.detail,
                              "），什么也没有发送，请重试"));
  }
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kWechatError,
                      absl::StrCat("WeChat's front refused the request with ", attempt.detail,
                                   "; nothing was sent, check wechat.api_urls"))
      .SaidByWechat()
      .With("api", api)
      .Chinese(absl::StrCat("微信前端拒绝了请求（", attempt.detail,
                            "），什么也没有发送，请检查 wechat.api_urls"));
}

}  // namespace hongyan::wechat
