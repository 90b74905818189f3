#include "server/wechat/api_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/wechat/errcode.h"

namespace hongyan::wechat {
namespace {

constexpr std::size_t kFailuresToOpen = 5;
constexpr absl::Duration kFailureWindow = absl::Seconds(10);
constexpr absl::Duration kOpenFor = absl::Seconds(30);
constexpr std::size_t kMaxOddCodes = 50;

}  // namespace

ApiTransport::ApiTransport(http::HttpClient& http, async::Clock& clock, base::Metrics& metrics,
                           std::vector<std::string> api_urls, absl::Duration timeout)
    : http_(http), clock_(clock), metrics_(metrics), timeout_(timeout) {
  for (std::string& url : api_urls) {
    addresses_.push_back(Address{std::move(url), {}, {}});
  }
}

async::Task<Attempt> ApiTransport::Call(ApiRequest request) {
  const async::MonoTime start = clock_.Mono();
  const bool all_closed = std::all_of(addresses_.begin(), addresses_.end(),
                                      [&](const Address& a) { return a.closed_until > start; });
  Attempt attempt;
  attempt.outcome = Attempt::Outcome::kNotSent;
  for (Address& address : addresses_) {
    const async::MonoTime now = clock_.Mono();
    if (address.closed_until > now && !all_closed) continue;
    http::HttpRequest http;
    http.method =
        request.body.empty() ? http::HttpRequest::Method::kGet : http::HttpRequest::Method::kPost;
    http.url =
        absl::StrCat(address.url, request.path, request.query.empty() ? "" : "?", request.query);
    http.body = request.body;
    http.deadline = request.deadline;
    http.begin_by = request.begin_by;
    http.timeout = absl::ToChronoNanoseconds(timeout_);
    attempt = ClassifyAttempt(co_await http_.Send(std::move(http)));
    Note(request, attempt, async::Between(now, clock_.Mono()));
    if (attempt.outcome == Attempt::Outcome::kAnswered) {
      address.failures.clear();
      address.closed_until = {};
      co_return attempt;
    }
    base::Log(base::Level::kWarn, "no answer from WeChat",
              {{"account", request.account},
               {"api", request.path},
               {"address", address.url},
               {"problem", attempt.detail},
               {"sent", attempt.outcome != Attempt::Outcome::kNotSent}});
    if (attempt.outcome != Attempt::Outcome::kNotSent || attempt.cancelled || attempt.busy) {
      co_return attempt;
    }
    const bool out_of_time = clock_.Mono() >= std::min(request.deadline, request.begin_by);
    // A caller in a hurry says nothing about the address; a connect that took too long does.
    if (attempt.unreachable || (attempt.timed_out && !out_of_time)) Failed(address);
    if (out_of_time) co_return attempt;
  }
  co_return attempt;
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
    if (ClassOf(code, request.path) == ErrorClass::kUnknown && !odd_codes_.contains(code)) {
      if (odd_codes_.size() < kMaxOddCodes) {
        odd_codes_.insert(code);
      } else {
        errcode = "unknown";
      }
    }
  }
  metrics_.WechatRequest(request.account, request.path, errcode, took);
}

void ApiTransport::Failed(Address& address) {
  const async::MonoTime now = clock_.Mono();
  while (!address.failures.empty() &&
         async::Between(address.failures.front(), now) > kFailureWindow) {
    address.failures.pop_front();
  }
  address.failures.push_back(now);
  if (address.failures.size() < kFailuresToOpen) return;
  address.failures.clear();
  address.closed_until = async::After(now, kOpenFor);
  base::Log(base::Level::kWarn, "address passed over for 30 s", {{"address", address.url}});
}

}  // namespace hongyan::wechat
