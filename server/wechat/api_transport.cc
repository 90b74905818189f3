#include "server/wechat/api_transport.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/wechat/errcode.h"

namespace hongyan::wechat {
namespace {

constexpr std::size_t kFailuresToOpen = 5;
constexpr absl::Duration kFailureWindow = absl::Seconds(10);
constexpr absl::Duration kTryAgainAfter = absl::Seconds(30);
constexpr absl::Duration kLongestPause = absl::Minutes(10);
// Failing again within it is a relapse.
constexpr absl::Duration kRelapse = absl::Minutes(10);
// Needs no account: without a token WeChat answers 41001.
constexpr char kProbePath[] = "/cgi-bin/user/info";
// Who has not answered by then won't. WeChat answers within 200 ms.
constexpr absl::Duration kFairTime = absl::Seconds(2);
// Who has the request and says nothing for so long is not merely slow: a deadline of a second must
// be enough to tell.
constexpr absl::Duration kSilence = absl::Milliseconds(500);
constexpr int kHurriedInARow = 5;
constexpr std::size_t kMaxOddCodes = 50;

}  // namespace

ApiTransport::ApiTransport(http::HttpClient& http, async::Clock& clock, base::Metrics& metrics,
                           std::vector<std::string> api_urls, absl::Duration timeout)
    : http_(http),
      clock_(clock),
      metrics_(metrics),
      timeout_(timeout),
      next_probe_(clock.NewAlarm()) {
  for (std::string& url : api_urls) {
    addresses_.emplace_back().url = std::move(url);
  }
}

async::Task<Attempt> ApiTransport::Call(ApiRequest request) {
  Attempt attempt;
  attempt.outcome = Attempt::Outcome::kNotSent;
  const Order order = OrderFor(request);
  for (Address* const address : order) {
    const async::MonoTime begun = clock_.Mono();
    const bool probe = address->passed_over && MayProbe(*address, request, begun);
    // Nobody else tries it meanwhile.
    if (probe) address->try_again_at = async::After(begun, address->pause);
    const bool goes_on = probe && request.harmless && order.size() > 1;
    http::HttpRequest http;
    http.method =
        request.body.empty() ? http::HttpRequest::Method::kGet : http::HttpRequest::Method::kPost;
    http.url =
        absl::StrCat(address->url, request.path, request.query.empty() ? "" : "?", request.query);
    http.body = request.body;
    http.deadline = request.deadline;
    http.begin_by = request.begin_by;
    http.timeout = absl::ToChronoNanoseconds(goes_on ? std::min(timeout_, kFairTime) : timeout_);
    attempt = ClassifyAttempt(co_await http_.Send(std::move(http)), request.absent_errcode);
    Note(request, attempt, async::Between(begun, clock_.Mono()));
    const bool out_of_time = clock_.Mono() >= std::min(request.deadline, request.begin_by);
    Judge(*address, attempt, begun, out_of_time || attempt.cancelled);
    if (attempt.outcome == Attempt::Outcome::kAnswered) co_return attempt;
    base::Log(base::Level::kWarn, "no answer from WeChat",
              {{"account", request.account},
               {"api", request.path},
               {"address", address->url},
               {"problem", attempt.detail},
               {"sent", attempt.outcome != Attempt::Outcome::kNotSent}});
    if (attempt.cancelled || attempt.busy || out_of_time) co_return attempt;
    const bool nothing_sent = attempt.outcome == Attempt::Outcome::kNotSent;
    if (!nothing_sent && !(goes_on && attempt.outcome == Attempt::Outcome::kUnknown)) {
      co_return attempt;
    }
  }
  co_return attempt;
}

async::Task<void> ApiTransport::ProbeAddresses() {
  while (true) {
    const bool cancelled = co_await async::Cancelled();
    if (cancelled) co_return;
    Address* const next = NextToProbe();
    const async::MonoTime when = next == nullptr ? async::MonoTime::max() : next->try_again_at;
    // Ended early when another address is passed over: then look again.
    const bool time_came = co_await next_probe_->WaitUntil(when);
    const bool due = time_came && next->passed_over && next->try_again_at <= clock_.Mono();
    if (!due) continue;
    co_await Probe(*next);
  }
}

ApiTransport::Address* ApiTransport::NextToProbe() {
  Address* next = nullptr;
  for (Address& address : addresses_) {
    if (!address.passed_over) continue;
    if (next == nullptr || address.try_again_at < next->try_again_at) next = &address;
  }
  return next;
}

async::Task<void> ApiTransport::Probe(Address& address) {
  const async::MonoTime begun = clock_.Mono();
  address.try_again_at = async::After(begun, address.pause);  // nobody else tries it meanwhile
  http::HttpRequest http;
  http.url = absl::StrCat(address.url, kProbePath);
  http.deadline = async::After(begun, timeout_);
  http.timeout = absl::ToChronoNanoseconds(std::min(timeout_, kFairTime));
  http::HttpResult result = co_await http_.Send(std::move(http));
  const Attempt attempt = ClassifyAttempt(std::move(result), AbsentErrcode::kIsUnintelligible);
  Judge(address, attempt, begun, attempt.cancelled);
}

ApiTransport::Order ApiTransport::OrderFor(const ApiRequest& request) {
  const async::MonoTime now = clock_.Mono();
  Order order;
  Order last;
  for (Address& address : addresses_) {
    const bool now_or_last = !address.passed_over || MayProbe(address, request, now);
    (now_or_last ? order : last).push_back(&address);
  }
  // What can't be connected to costs nothing but time, and what failed long ago may be well again.
  std::stable_sort(last.begin(), last.end(), [](const Address* a, const Address* b) {
    return std::tie(a->after_request, a->failed_at) < std::tie(b->after_request, b->failed_at);
  });
  order.insert(order.end(), last.begin(), last.end());
  return order;
}

bool ApiTransport::MayProbe(const Address& address, const ApiRequest& request,
                            async::MonoTime now) {
  if (now < address.try_again_at) return false;
  if (address.after_request && !request.harmless) return false;
  // Should it be in vain, the next address has a fair time left.
  return async::Between(now, std::min(request.deadline, request.begin_by)) >= 2 * kFairTime;
}

void ApiTransport::Note(const ApiRequest& request, const Attempt& attempt, absl::Duration took) {
  std::string errcode = "none";
  if (attempt.outcome == Attempt::Outcome::kAnswered) {
    const std::int64_t code = attempt.answer.errcode;
    errcode = absl::StrCat(code);
    if (base::LogEnabled(base::Level::kDebug)) {
      base::Log(base::Level::kDebug, "WeChat answered",
                {{"account", request.account},
                 {"api", request.path},
                 {"errcode", errcode},
                 {"took_us", absl::ToInt64Microseconds(took)}});
    }
    // Codes that nobody has heard of are worth a label of their own, as long as there are few.
    if (ClassifyErrcode(code, request.path) == ErrorClass::kUnknown && !odd_codes_.contains(code)) {
      if (odd_codes_.size() < kMaxOddCodes) {
        odd_codes_.insert(code);
      } else {
        errcode = "unknown";
      }
    }
  }
  metrics_.wechat_requests.At({request.account, request.path, errcode}).Increment();
  base::Observe(took, metrics_.wechat_seconds.At({request.account, request.path}));
}

void ApiTransport::Judge(Address& address, const Attempt& attempt, async::MonoTime begun,
                         bool hurried) {
  const bool silent = attempt.timed_out || attempt.cancelled;
  switch (attempt.outcome) {
    case Attempt::Outcome::kAnswered:
      return Answered(address, begun);
    case Attempt::Outcome::kNotSent:
    case Attempt::Outcome::kUnknown:
      break;
    default:  // it refused this request, so it lives
      address.hurried = 0;
      return;
  }
  const bool has_request = attempt.outcome == Attempt::Outcome::kUnknown;
  if (silent && hurried && attempt.peer_time < (has_request ? kSilence : kFairTime)) {
    if (attempt.peer_time == absl::ZeroDuration()) return;  // it was not even tried
    if (address.hurried++ == 0) address.hurried_since = begun;
    const bool long_enough = async::Between(address.hurried_since, clock_.Mono()) >= kFairTime;
    if (address.hurried < kHurriedInARow || !long_enough) return;
    return PassOver(address, has_request, attempt.detail);
  }
  if (has_request) {
    PassOver(address, /*after_request=*/true, attempt.detail);
  } else if (attempt.unreachable || silent) {
    FailedToConnect(address, attempt.detail);
  }
}

void ApiTransport::Answered(Address& address, async::MonoTime begun) {
  address.failures.clear();
  address.hurried = 0;
  if (!address.passed_over || begun < address.failed_at) return;
  address.passed_over = address.after_request = false;
  address.answered_at = clock_.Mono();
  metrics_.addresses_passed_over->Decrement();
  base::Log(base::Level::kInfo, "address answers again", {{"address", address.url}});
}

void ApiTransport::FailedToConnect(Address& address, const std::string& problem) {
  const async::MonoTime now = clock_.Mono();
  while (!address.failures.empty() &&
         async::Between(address.failures.front(), now) > kFailureWindow) {
    address.failures.pop_front();
  }
  address.failures.push_back(now);
  if (address.passed_over || address.failures.size() >= kFailuresToOpen) {
    PassOver(address, /*after_request=*/false, problem);
  }
}

void ApiTransport::PassOver(Address& address, bool after_request, const std::string& problem) {
  if (addresses_.size() == 1) return;  // there is no other
  address.failures.clear();
  address.hurried = 0;
  address.after_request |= after_request;
  address.failed_at = clock_.Mono();
  const bool is_new = !std::exchange(address.passed_over, true);
  if (is_new) {
    const bool relapse = address.answered_at != async::MonoTime{} &&
                         async::Between(address.answered_at, address.failed_at) < kRelapse;
    address.pause = relapse ? std::min(2 * address.pause, kLongestPause) : kTryAgainAfter;
  }
  address.try_again_at = async::After(address.failed_at, address.pause);
  next_probe_->Cancel();
  if (!is_new) return;
  metrics_.addresses_passed_over->Increment();
  base::Log(base::Level::kWarn, "address passed over until it answers again",
            {{"address", address.url}, {"problem", problem}});
}

}  // namespace hongyan::wechat
