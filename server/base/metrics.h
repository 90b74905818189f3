// The service's metrics, one declaration each. Their names are public: docs/operations.md.
//
// Contract: At() gives the series of these label values, in the order of the metric's labels; a
//           metric without labels is used through `->`. Label values come from closed sets
//           (configured accounts, our own method names, WeChat's codes), never from a peer: no
//           openid, errmsg or rid. What only grows is a counter and ends in _total.
// Threads:  any. Finding the series of a label set takes a lock, counting an atomic.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::base {

template <typename T>
class Metric {
 public:
  using Labels = std::vector<std::string>;

  Metric(prometheus::Registry& registry, const char* name, const char* help, Labels labels = {});

  T& At(std::initializer_list<absl::string_view> values);
  T* operator->() { return only_; }

 private:
  prometheus::Family<T>& family_;
  const Labels labels_;
  T* only_ = nullptr;  // without labels
  std::mutex mutex_;
  absl::flat_hash_map<std::string, T*> children_;
};

using Counter = Metric<prometheus::Counter>;
using Gauge = Metric<prometheus::Gauge>;
using Histogram = Metric<prometheus::Histogram>;  // of seconds

// What an account's series are labelled with.
struct AccountLabels {
  std::vector<absl::string_view> message_kinds;
  absl::string_view token_api;               // where its tokens come from
  std::vector<absl::string_view> apis;       // every other path of WeChat's that is called
  std::vector<absl::string_view> callbacks;  // their types; none for an account without
};

class Metrics {
  prometheus::Registry registry_;

 public:
  Counter rpc_handled{registry_,
                      "grpc_server_handled_total",
                      "RPCs completed, by service, method and code.",
                      {"grpc_service", "grpc_method", "grpc_code"}};
  Histogram rpc_seconds{registry_,
                        "grpc_server_handling_seconds",
                        "Time from the arrival of a request to its answer.",
                        {"grpc_service", "grpc_method"}};
  Gauge in_flight{registry_, "hongyan_in_flight", "Calls that are being worked on."};
  Gauge event_watchers{registry_, "hongyan_event_watchers", "WatchEvents streams."};
  // outcome: accepted, failed, unknown, expired.
  Counter sends{registry_,
                "hongyan_sends_total",
                "Messages, by account, kind and outcome.",
                {"account", "kind", "outcome"}};
  Counter idempotency_keys_forgotten{registry_, "hongyan_idempotency_keys_forgotten_total",
                                     "Idempotency keys evicted before their 24 hours."};
  Counter allowances_not_noted{
      registry_, "hongyan_allowances_not_noted_total",
      "Customer-service messages whose cost found no place to wait for storage."};
  // errcode: the number, "none" where no answer came, "unknown" beyond the first 50 codes that the
  // table doesn't have.
  Counter wechat_requests{registry_,
                          "hongyan_wechat_requests_total",
                          "Requests to WeChat, by account, api and errcode.",
                          {"account", "api", "errcode"}};
  Histogram wechat_seconds{registry_,
                           "hongyan_wechat_request_seconds",
                           "Time of one request to WeChat.",
                           {"account", "api"}};
  Gauge addresses_passed_over{
      registry_, "hongyan_wechat_addresses_passed_over",
      "Addresses of wechat.api_urls that failed, so that calls begin with another one."};
  // outcome: fetched, forced, failed.
  Counter token_requests{registry_,
                         "hongyan_token_requests_total",
                         "Requests for an access_token, by account and outcome.",
                         {"account", "outcome"}};
  Gauge token_expiry{registry_,
                     "hongyan_token_expiry_timestamp_seconds",
                     "When the current access_token expires, Unix time.",
                     {"account"}};
  // type: a known event or message type, or "unknown". outcome: ok, repeated, forbidden, invalid,
  // replay … What was refused before it was known whose it is has account and type "unknown".
  Counter callbacks{registry_,
                    "hongyan_callbacks_total",
                    "Callbacks from WeChat, by account, type and outcome.",
                    {"account", "type", "outcome"}};
  Histogram callback_seconds{registry_,
                             "hongyan_callback_seconds",
                             "Time from a callback's header to its answer.",
                             {"account"}};
  // Positive: ours is ahead.
  Gauge callback_clock_skew{
      registry_, "hongyan_callback_clock_skew_seconds",
      "This host's clock less the timestamp of the last request with a right signature."};
  Counter signatures_forgotten{registry_, "hongyan_callback_signatures_forgotten_total",
                               "Remembered signatures evicted before their time."};
  // outcome: replied, empty, invalid, failed, late, late_sent, late_failed, late_dropped,
  // overloaded.
  Counter handler_calls{registry_,
                        "hongyan_handler_calls_total",
                        "Events for the account's handler, by account and outcome.",
                        {"account", "outcome"}};
  Histogram handler_seconds{registry_,
                            "hongyan_handler_seconds",
                            "Time of one call to the account's handler.",
                            {"account"}};
  Counter log_lines_dropped{registry_, "hongyan_log_lines_dropped_total",
                            "Log lines dropped because standard error took nothing."};

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Begins an account's series at zero, so that the first of each is an increase: sends, the
  // errcodes that are worth an alert, callbacks that go well and those that are refused.
  void Introduce(absl::string_view account, const AccountLabels& labels);

  // For the admin listener.
  prometheus::Registry& registry() { return registry_; }
};

void Observe(absl::Duration took, prometheus::Histogram& histogram);

// For what is counted elsewhere and only grows.
void RaiseTo(std::int64_t total, Counter& counter);

// A figure that is read when asked for, rather than counted as it happens.
struct Figure {
  const char* name;
  const char* help;
  double value;
  bool grows = false;                              // a counter
  std::pair<const char*, const char*> label = {};  // name and value; none
};

// Figures as prometheus-cpp wants them. Those of one name stand together.
class Figures final : public prometheus::Collectable {
 public:
  explicit Figures(std::function<std::vector<Figure>()> read) : read_(std::move(read)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<std::vector<Figure>()> read_;
};

// The canonical name of a code as metrics spell it: OK, InvalidArgument.
absl::string_view CodeName(absl::StatusCode code);

}  // namespace hongyan::base
