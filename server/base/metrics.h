// The service's metrics, under the names of the public contract.
//
// Contract: each method counts or observes one thing. Labels come from closed sets (configured accounts, our own
//           method names, WeChat's codes), never from a peer: no openid, errmsg or rid.
// Threads:  any. Finding the series of a label set takes a lock, counting an atomic.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::base {

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Begins an account's series at zero, so that the first of each is an increase: sends, the errcodes that are worth an
  // alert, callbacks that go well and those that are refused. `types` are those of callbacks, none for an account without.
  // `token_api`: where its tokens come from.
  void Introduce(absl::string_view account, absl::string_view token_api,
                 const std::vector<absl::string_view>& types);
  void RpcHandled(absl::string_view service, absl::string_view method, absl::StatusCode code,
                  absl::Duration took);
  // outcome: accepted, failed, unknown, expired.
  void Send(absl::string_view account, absl::string_view kind, absl::string_view outcome);
  // errcode: the number, "none" where no answer came, "unknown" beyond the first 50 codes that the table doesn't have.
  void WechatRequest(absl::string_view account, absl::string_view api, absl::string_view errcode,
                     absl::Duration took);
  // Addresses of wechat.api_urls that calls don't begin with, since they failed.
  void AddressesPassedOver(std::int64_t delta);
  // outcome: fetched, forced, failed.
  void TokenRequest(absl::string_view account, absl::string_view outcome);
  void TokenExpiry(absl::string_view account, absl::Time when);
  // type: a known event or message type, or "unknown". outcome: ok, repeated, forbidden, invalid, replay …
  void Callback(absl::string_view account, absl::string_view type, absl::string_view outcome,
                absl::Duration took);
  // What was refused before it was known whose it is: counted, without a time, which would mean nothing.
  void CallbackRefused(absl::string_view outcome);
  // Ours against the timestamp of a request with a right signature; positive: ours is ahead.
  void CallbackClockSkew(absl::Duration skew);
  // outcome: replied, empty, invalid, failed, late, late_sent, late_failed, late_dropped, overloaded.
  void HandlerCall(absl::string_view account, absl::string_view outcome);
  // Of calls that were made.
  void HandlerSeconds(absl::string_view account, absl::Duration took);
  // A key that made room before its time.
  void IdempotencyKeyForgotten();
  // What a send has spent of a person's allowance, and found no place to wait for storage.
  void AllowanceNotNoted();
  void InFlight(std::int64_t delta);
  void EventWatchers(int watchers);
  // Signatures that made room before their time, since the process began.
  void SignaturesForgotten(std::int64_t total);
  // The same of log lines.
  void LogLinesDropped(std::int64_t total);

  // For the admin listener.
  prometheus::Registry& registry() { return registry_; }

 private:
  // Finds a child by its label values without building a map for each use.
  template <typename T>
  class Children {
   public:
    using Labels = std::vector<std::string>;
    Children(prometheus::Family<T>& family, Labels names)
        : family_(family), names_(std::move(names)) {}
    template <typename... Args>
    T& At(std::initializer_list<absl::string_view> values, const Args&... args);

   private:
    prometheus::Family<T>& family_;
    Labels names_;
    std::mutex mutex_;
    absl::flat_hash_map<std::string, T*> children_;
  };

  prometheus::Registry registry_;
  Children<prometheus::Counter> rpc_handled_;
  Children<prometheus::Histogram> rpc_seconds_;
  Children<prometheus::Counter> sends_;
  Children<prometheus::Counter> wechat_requests_;
  Children<prometheus::Histogram> wechat_seconds_;
  prometheus::Gauge& addresses_passed_over_;
  Children<prometheus::Counter> token_requests_;
  Children<prometheus::Gauge> token_expiry_;
  Children<prometheus::Counter> callbacks_;
  Children<prometheus::Histogram> callback_seconds_;
  prometheus::Gauge& callback_clock_skew_;
  Children<prometheus::Counter> handler_calls_;
  Children<prometheus::Histogram> handler_seconds_;
  prometheus::Counter& idempotency_keys_forgotten_;
  prometheus::Counter& allowances_not_noted_;
  prometheus::Gauge& in_flight_;
  prometheus::Gauge& event_watchers_;
  prometheus::Counter& signatures_forgotten_;
  prometheus::Counter& log_lines_dropped_;
};

// The canonical name of a code as metrics spell it: OK, InvalidArgument.
absl::string_view CodeName(absl::StatusCode code);

}  // namespace hongyan::base
