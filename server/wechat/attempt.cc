#include "server/wechat/attempt.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hongyan::wechat {
namespace {

using Kind = http::HttpFailure::Kind;

Attempt FromFailure(http::HttpFailure failure) {
  Attempt attempt;
  attempt.detail = std::move(failure.detail);
  attempt.timed_out = failure.kind == Kind::kTimeout;
  attempt.cancelled = failure.kind == Kind::kCancelled;
  attempt.busy = failure.kind == Kind::kBusy;
  attempt.unreachable = failure.kind == Kind::kResolve || failure.kind == Kind::kConnect ||
                        failure.kind == Kind::kTls || failure.kind == Kind::kSend;
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

Attempt FromResponse(http::HttpResponse response) {
  Attempt attempt;
  if (response.status == 200) {
    auto answer = ParseAnswer(std::move(response.body));
    if (answer.ok()) {
      attempt.outcome = Attempt::Outcome::kAnswered;
      attempt.answer = *std::move(answer);
    } else {
      attempt.outcome = Attempt::Outcome::kUnknown;
      attempt.detail = std::string(answer.status().message());
    }
    return attempt;
  }
  attempt.detail = absl::StrCat("HTTP ", response.status);
  attempt.outcome = response.status >= 300 && response.status < 500 ? Attempt::Outcome::kRejected
                                                                    : Attempt::Outcome::kUnknown;
  return attempt;
}

}  // namespace

Attempt ClassifyAttempt(http::HttpResult result) {
  if (auto* failure = std::get_if<http::HttpFailure>(&result)) {
    return FromFailure(std::move(*failure));
  }
  return FromResponse(std::move(std::get<http::HttpResponse>(result)));
}

}  // namespace hongyan::wechat
