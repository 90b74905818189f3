#include "server/wechat/access_token.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/wechat/api_json.h"
#include "server/wechat/errcode.h"

namespace hongyan::wechat {
namespace {

using async::After;
using async::MonoTime;
using base::ErrorBuilder;
using base::Reason;

constexpr char kStablePath[] = "/cgi-bin/stable_token";
constexpr char kClassicPath[] = "/cgi-bin/token";

constexpr absl::Duration kFetchLimit = absl::Seconds(10);
// The platform rotates a stable token 5 minutes before its end, so asking earlier would yield the
// old one again.
constexpr absl::Duration kRenewAhead = absl::Seconds(300);
constexpr absl::Duration kRenewJitter = absl::Seconds(60);
constexpr absl::Duration kSafetyMargin = absl::Seconds(10);

// WeChat gives the classic endpoint 2000 requests a day. Only silence and -1 are sure to pass soon.
constexpr absl::Duration kSilencePauses[] = {absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                                             absl::Seconds(5)};
// A front's 502 or page mostly passes within minutes, and then callers wait for a token; but it may
// stay for a day. So the pauses of silence stand for half an hour, and longer ones for the rest.
constexpr int kShortFrontPauses = 360;
constexpr absl::Duration kFrontPause = absl::Minutes(2);
constexpr absl::Duration kRefusalPauses[] = {absl::Minutes(1), absl::Minutes(2), absl::Minutes(4),
                                             absl::Minutes(8), absl::Minutes(10)};
constexpr absl::Duration kOddAnswerPauses[] = {
    absl::Seconds(5), absl::Seconds(15), absl::Minutes(1), absl::Minutes(2), absl::Minutes(5)};
// Who meets a request that has been without an answer for so long has not come with too little
// time.
constexpr absl::Duration kSilence = absl::Milliseconds(500);

// WeChat takes a replaced token for five minutes more.
constexpr absl::Duration kOverlap = absl::Minutes(5);
constexpr std::size_t kMaxHeld = 1000;
constexpr std::size_t kMaxErrmsg = 64 << 10;

// WeChat allows 20 forced refreshes a day, 30 s apart; other systems of the account may need some
// too.
constexpr absl::Duration kForceSpacing = absl::Seconds(30);
constexpr int kForcedPerDay = 10;
constexpr std::int64_t kBusy = -1;
// Replacements of refused tokens: ten at once, then one in ten seconds.
constexpr double kReplacementBurst = 10;
constexpr double kReplacementsPerSecond = 0.1;

bool IsBusy(const absl::Status& status) { return base::Has(status, Reason::kWechatBusy); }

}  // namespace

AccessToken::AccessToken(Options options, ApiTransport& transport, async::Clock& clock,
                         base::Metrics& metrics, async::TaskGroup& group)
    : options_(std::move(options)),
      transport_(transport),
      clock_(clock),
      metrics_(metrics),
      group_(group),
      renewed_(clock),
      next_(clock.NewAlarm()),
      replacements_(kReplacementBurst),
      replacements_at_(clock.Mono()) {}

const char* AccessToken::Options::path() const { return classic ? kClassicPath : kStablePath; }

const char* AccessToken::path() const { return options_.path(); }

bool AccessToken::has_token() const {
  return !token_.empty() && !refused_ && clock_.Mono() < usable_until_;
}

async::Task<absl::StatusOr<AccessToken::Current>> AccessToken::Get(MonoTime deadline) {
  while (true) {
    if (has_token()) co_return Current{token_, generation_};
    if (!renewing_) {
      if (clock_.Mono() < quiet_until_) co_return last_error_;
      StartRenewal();
      if (!renewing_) co_return last_error_;
    }
    const auto woken = co_await renewed_.Wait(deadline);
    if (woken == async::WaitList::Woken::kDeadline) co_return DeadlinePassed();
    if (woken == async::WaitList::Woken::kCancelled) {
      co_return ErrorBuilder(
          absl::StatusCode::kCancelled, Reason::kCancelled,
          "the call was cancelled while waiting for an access_token; nothing was sent")
          .Chinese("调用方已取消，什么也没有发送");
    }
    // Renewed. A failure that leaves no usable token is this caller's answer too.
    if (!has_token() && !last_error_.ok()) co_return last_error_;
  }
}

absl::Status AccessToken::DeadlinePassed() const {
  if (!last_error_.ok()) return last_error_;
  const absl::Duration silent = async::Between(asked_at_, clock_.Mono());
  if (silent >= kSilence) {
    const std::int64_t milliseconds = absl::ToInt64Milliseconds(silent);
    return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                        absl::StrCat("no access_token: WeChat's ", path(), " has not answered for ",
                                     milliseconds, " ms; nothing was sent, try again later"))
        .With("api", path())
        .RetryAfter(absl::Seconds(2))
        .Chinese(absl::StrCat("无法从微信获取 access_token：", path(), " 已有 ", milliseconds,
                              " 毫秒没有应答，什么也没有发送，请稍后重试"));
  }
  return ErrorBuilder(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineTooShort,
                      "the deadline passed while waiting for an access_token; nothing was sent")
      .Chinese("等待 access_token 时已到截止时间，什么也没有发送");
}

async::Task<absl::StatusOr<AccessToken::Current>> AccessToken::Replace(std::uint64_t generation,
                                                                       MonoTime deadline) {
  if (generation == generation_ && !refused_) {
    if (clock_.Mono() < irreplaceable_until_) co_return StillRefused();
    const bool quiet = clock_.Mono() < quiet_until_;
    // A renewal that began before the refusal may bring the refused token once more; Renew looks at
    // refused_ then.
    if (!quiet && !renewing_ && !TakeReplacement()) co_return StillRefused();
    refused_ = true;
    base::Log(base::Level::kWarn, "access_token refused by WeChat",
              {{"account", options_.account}, {"token", token_.Fingerprint()}});
    if (quiet) co_return last_error_;
    if (!renewing_) StartRenewal();
  }
  auto current = co_await Get(deadline);
  if (current.ok() && current->generation == generation) co_return StillRefused();
  co_return current;
}

async::Task<void> AccessToken::KeepFresh() {
  while (true) {
    const bool cancelled = co_await async::Cancelled();
    if (cancelled) co_return;
    const MonoTime now = clock_.Mono();
    const bool due = token_.empty() || refused_ || now >= renew_at_;
    if (due && !renewing_ && now >= quiet_until_) StartRenewal();
    if (renewing_) {
      const auto woken = co_await renewed_.Wait(MonoTime::max());
      if (woken == async::WaitList::Woken::kCancelled) co_return;
      continue;
    }
    const MonoTime wake = due ? quiet_until_ : std::max(renew_at_, quiet_until_);
    // StartRenewal refuses only when the group is full: look again in a second.
    co_await next_->WaitUntil(std::max(wake, After(now, absl::Milliseconds(due ? 1000 : 10))));
  }
}

void AccessToken::StartRenewal() {
  renewing_ = true;
  asked_at_ = clock_.Mono();
  if (!group_.Spawn(Renew())) {
    renewing_ = false;
    trouble_ = Trouble::kSilence;
    Failed(ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                        "too many background tasks to fetch an access_token"));
  }
}

// Belongs to nobody who waits: it has its own time limit and ends whether or not they stay.
async::Task<void> AccessToken::Renew() {
  const MonoTime begun = clock_.Mono();
  const MonoTime deadline = After(begun, kFetchLimit);
  TokenGrant grant;
  absl::Status status = co_await Fetch(Mode::kNormal, deadline, &grant);
  if (status.ok() && refused_ && token_.Equals(grant.access_token)) {
    if (options_.classic || !MayForce()) {
      // Other APIs may still take it, so it stays; whoever was refused hears so until a force is
      // allowed again.
      irreplaceable_until_ = After(forced_.empty() ? clock_.Mono() : forced_.back(), kForceSpacing);
      irreplaceable_until_ = std::max(irreplaceable_until_, After(clock_.Mono(), absl::Seconds(1)));
    } else {
      while (!forced_.empty() && async::Between(forced_.front(), begun) > absl::Hours(24)) {
        forced_.pop_front();
      }
      forced_.push_back(clock_.Mono());
      TokenGrant fresh;
      const absl::Status forced =
          co_await Fetch(Mode::kForced, After(clock_.Mono(), kFetchLimit), &fresh);
      if (!forced.ok()) {
        base::Log(base::Level::kWarn, "forced refresh failed",
                  {{"account", options_.account}, {"problem", forced.message()}});
        // Its answer may only have been lost on the way: then the normal mode knows the new token.
        fresh = grant;
        co_await Fetch(Mode::kNormal, After(clock_.Mono(), kFetchLimit), &fresh);
      }
      if (token_.Equals(fresh.access_token)) {
        irreplaceable_until_ = After(forced_.back(), kForceSpacing);
      }
      grant = std::move(fresh);
    }
  }
  renewing_ = false;
  if (status.ok()) {
    refused_ = false;
    Store(std::move(grant), begun);
  } else {
    Failed(std::move(status));
  }
  renewed_.NotifyAll();
}

async::Task<absl::Status> AccessToken::Fetch(Mode mode, MonoTime deadline, TokenGrant* grant) {
  asked_at_ = clock_.Mono();
  ApiRequest request;
  request.account = options_.account;
  request.path = path();
  request.deadline = deadline;
  request.harmless = mode == Mode::kNormal;         // WeChat counts the forced ones
  request.absent_errcode = AbsentErrcode::kIsZero;  // ReadToken sees what is no token
  if (options_.classic) {
    request.query =
        absl::StrCat("grant_type=client_credential&appid=", base::UrlEscape(options_.app_id),
                     "&secret=", base::UrlEscape(options_.app_secret.Reveal()));
  } else {
    request.body =
        StableTokenBody(options_.app_id, options_.app_secret.Reveal(), mode == Mode::kForced);
  }
  Attempt attempt = co_await transport_.Call(std::move(request));
  absl::Status status;
  const bool silent = !attempt.answer_came;
  switch (attempt.outcome) {
    case Attempt::Outcome::kAnswered:
      status = ReadAnswer(attempt.answer, grant);
      break;
    case Attempt::Outcome::kNotNow:
    case Attempt::Outcome::kRejected:
      status = RefusalStatus(attempt, path());
      break;
    case Attempt::Outcome::kNotSent:
    case Attempt::Outcome::kUnknown:
      status = ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                            absl::StrCat("no access_token: WeChat gave no usable answer (",
                                         attempt.detail, "); nothing was sent, try again later"))
                   .With("api", path())
                   .RetryAfter(absl::Seconds(2))
                   .Chinese("无法从微信获取 access_token，什么也没有发送，请稍后重试");
      break;
  }
  const bool busy =
      attempt.outcome == Attempt::Outcome::kAnswered && attempt.answer.errcode == kBusy;
  may_pass_ = IsBusy(status) || attempt.outcome == Attempt::Outcome::kUnknown ||
              (attempt.outcome == Attempt::Outcome::kNotNow && absl::IsUnavailable(status));
  const bool front = attempt.outcome != Attempt::Outcome::kAnswered && absl::IsUnavailable(status);
  trouble_ = silent || busy ? Trouble::kSilence
             : front        ? Trouble::kFront
             : absl::IsFailedPrecondition(status) || absl::IsPermissionDenied(status) ||
                     absl::IsResourceExhausted(status)
                 ? Trouble::kRefusal
                 : Trouble::kOddAnswer;
  const char* const outcome = !status.ok()            ? "failed"
                              : mode == Mode::kForced ? "forced"
                                                      : "fetched";
  metrics_.token_requests.At({options_.account, outcome}).Increment();
  co_return status;
}

absl::Status AccessToken::ReadAnswer(ApiAnswer& answer, TokenGrant* grant) const {
  // Should WeChat ever quote the secret or a token, it stops here.
  const std::string& secret = options_.app_secret.Reveal();
  absl::StrReplaceAll({{secret, "(app_secret)"}, {base::UrlEscape(secret), "(app_secret)"}},
                      &answer.errmsg);
  Blot(&answer.errmsg);
  absl::Status status = ToStatus({answer.errcode, answer.errmsg, path(), options_.account});
  if (!status.ok()) return status;
  auto read = ReadToken(answer);
  if (read.ok()) {
    *grant = *std::move(read);
    return status;
  }
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kWechatUnreachable,
                      absl::StrCat("access_token: ", std::string(read.status().message())))
      .With("api", path())
      .Chinese("微信返回的 access_token 无法识别，稍后自动重试");
}

void AccessToken::Store(TokenGrant grant, MonoTime fetched_at) {
  last_error_ = absl::OkStatus();
  std::fill(std::begin(failures_), std::end(failures_), 0);
  quiet_until_ = {};
  if (!token_.Equals(grant.access_token)) {
    Hold(std::move(token_));
    token_ = base::Secret(std::move(grant.access_token));
    ++generation_;
    irreplaceable_until_ = {};
  }
  const absl::Duration life = absl::Seconds(grant.expires_in_seconds);
  lives_until_ = After(fetched_at, life);
  usable_until_ = After(fetched_at, life - std::min(kSafetyMargin, life / 10));
  absl::BitGen random;
  const absl::Duration ahead =
      kRenewAhead - absl::Seconds(absl::Uniform(random, 0.0, absl::ToDoubleSeconds(kRenewJitter)));
  renew_at_ = After(fetched_at, life - std::min(ahead, life / 2));
  const absl::Time expiry = clock_.Now() + async::Between(clock_.Mono(), After(fetched_at, life));
  metrics_.token_expiry.At({options_.account})
      .Set(static_cast<double>(absl::ToUnixSeconds(expiry)));
  base::Log(base::Level::kInfo, "access_token fetched",
            {{"account", options_.account},
             {"token", token_.Fingerprint()},
             {"expires_in_seconds", grant.expires_in_seconds}});
  next_->Cancel();
}

void AccessToken::Hold(base::Secret token) {
  const MonoTime now = clock_.Mono();
  held_.erase(std::remove_if(held_.begin(), held_.end(),
                             [now](const Held& held) { return held.dies <= now; }),
              held_.end());
  if (token.empty()) return;
  if (held_.size() >= kMaxHeld) held_.pop_front();
  held_.push_back({std::move(token), After(lives_until_, kOverlap)});
}

void AccessToken::Blot(std::string* text) const {
  if (text->size() > kMaxErrmsg) text->resize(kMaxErrmsg);
  const auto blot = [text](const base::Secret& token) {
    if (token.empty()) return;
    absl::StrReplaceAll({{token.Reveal(), "(access_token)"}}, text);
    const std::string escaped = base::UrlEscape(token.Reveal());
    if (escaped != token.Reveal()) absl::StrReplaceAll({{escaped, "(access_token)"}}, text);
  };
  blot(token_);
  const MonoTime now = clock_.Mono();
  for (const Held& held : held_) {
    if (held.dies > now) blot(held.token);
  }
}

absl::Duration AccessToken::PauseAfterFailure() {
  const int before = failures_[static_cast<int>(trouble_)]++;
  const auto step = [before](const auto& pauses) {
    return pauses[std::min<std::size_t>(before, std::size(pauses) - 1)];
  };
  switch (trouble_) {
    case Trouble::kRefusal:
      return step(kRefusalPauses);
    case Trouble::kOddAnswer:
      return step(kOddAnswerPauses);
    case Trouble::kFront:
      if (before >= kShortFrontPauses) return kFrontPause;
      break;
    case Trouble::kSilence:
      break;
  }
  return step(kSilencePauses);
}

void AccessToken::Failed(absl::Status error) {
  absl::Duration quiet = PauseAfterFailure();
  if (trouble_ == Trouble::kRefusal) {
    const absl::Duration asked = base::GetRetryDelay(error).value_or(absl::ZeroDuration());
    quiet = std::max(quiet, std::min(asked, kRefusalPauses[std::size(kRefusalPauses) - 1]));
  }
  quiet_until_ = After(clock_.Mono(), quiet);
  last_error_ = std::move(error);
  base::Log(
      trouble_ == Trouble::kRefusal || !has_token() ? base::Level::kError : base::Level::kWarn,
      "no new access_token",
      {{"account", options_.account},
       {"problem", last_error_.message()},
       {"address", base::GetMetadata(last_error_, "address")},
       {"errcode", base::GetMetadata(last_error_, "errcode")},
       {"rid", base::GetMetadata(last_error_, "rid")},
       {"retry_in_seconds", absl::ToInt64Seconds(quiet)},
       {"old_token_works", has_token()}});
  next_->Cancel();
}

bool AccessToken::MayForce() const {
  const MonoTime now = clock_.Mono();
  if (!forced_.empty() && async::Between(forced_.back(), now) < kForceSpacing) return false;
  const auto today = std::count_if(forced_.begin(), forced_.end(), [&](MonoTime when) {
    return async::Between(when, now) < absl::Hours(24);
  });
  return today < kForcedPerDay;
}

bool AccessToken::TakeReplacement() {
  const MonoTime now = clock_.Mono();
  const double earned =
      absl::ToDoubleSeconds(async::Between(replacements_at_, now)) * kReplacementsPerSecond;
  replacements_ = std::min(kReplacementBurst, replacements_ + earned);
  replacements_at_ = now;
  if (replacements_ < 1) return false;
  replacements_ -= 1;
  return true;
}

absl::Status AccessToken::StillRefused() const {
  const absl::Duration left = async::Between(clock_.Mono(), irreplaceable_until_);
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kAccessTokenRejected,
                      "WeChat refuses the access_token and a new one can't be had yet; nothing was "
                      "sent, try again later")
      .SaidByWechat()
      .RetryAfter(std::max(left, absl::Seconds(1)))
      .Chinese("微信拒绝了 access_token，暂时无法换新；什么也没有发送，请稍后重试");
}

}  // namespace hongyan::wechat
