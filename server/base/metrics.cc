#include "server/base/metrics.h"

#include <map>
#include <utility>

namespace hongyan::base {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries& Seconds() {
  static const prometheus::Histogram::BucketBoundaries kBuckets = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  return kBuckets;
}

// For what is counted elsewhere.
void RaiseTo(std::int64_t total, prometheus::Counter& counter) {
  counter.Increment(static_cast<double>(total) - counter.Value());
}

}  // namespace

template <typename T>
template <typename... Args>
T& Metrics::Children<T>::At(std::initializer_list<absl::string_view> values, const Args&... args) {
  thread_local std::string key;
  key.clear();
  for (const absl::string_view value : values) {
    key.append(value.data(), value.size());
    key += '\x1f';
  }
  std::lock_guard lock(mutex_);
  const auto it = children_.find(key);
  if (it != children_.end()) return *it->second;
  std::map<std::string, std::string> labels;
  auto name = names_.begin();
  for (const absl::string_view value : values) labels[*name++] = std::string(value);
  T& child = family_.Add(labels, args...);
  children_.emplace(key, &child);
  return child;
}

Metrics::Metrics()
    : rpc_handled_(BuildCounter()
                       .Name("grpc_server_handled_total")
                       .Help("RPCs completed, by service, method and code.")
                       .Register(registry_),
                   {"grpc_service", "grpc_method", "grpc_code"}),
      rpc_seconds_(BuildHistogram()
                       .Name("grpc_server_handling_seconds")
                       .Help("Time from the arrival of a request to its answer.")
                       .Register(registry_),
                   {"grpc_service", "grpc_method"}),
      sends_(BuildCounter()
                 .Name("hongyan_sends_total")
                 .Help("Messages, by account, kind and outcome.")
                 .Register(registry_),
             {"account", "kind", "outcome"}),
      wechat_requests_(BuildCounter()
                           .Name("hongyan_wechat_requests_total")
                           .Help("Requests to WeChat, by account, api and errcode.")
                           .Register(registry_),
                       {"account", "api", "errcode"}),
      wechat_seconds_(BuildHistogram()
                          .Name("hongyan_wechat_request_seconds")
                          .Help("Time of one request to WeChat.")
                          .Register(registry_),
                      {"account", "api"}),
      addresses_passed_over_(BuildGauge()
                                 .Name("hongyan_wechat_addresses_passed_over")
                                 .Help("Addresses of wechat.api_urls that failed, so that calls "
                                       "begin with another one.")
                                 .Register(registry_)
                                 .Add({})),
      token_requests_(BuildCounter()
                          .Name("hongyan_token_requests_total")
                          .Help("Requests for an access_token, by account and outcome.")
                          .Register(registry_),
                      {"account", "outcome"}),
      token_expiry_(BuildGauge()
                        .Name("hongyan_token_expiry_timestamp_seconds")
                        .Help("When the current access_token expires, Unix time.")
                        .Register(registry_),
                    {"account"}),
      callbacks_(BuildCounter()
                     .Name("hongyan_callbacks_total")
                     .Help("Callbacks from WeChat, by account, type and outcome.")
                     .Register(registry_),
                 {"account", "type", "outcome"}),
      callback_seconds_(BuildHistogram()
                            .Name("hongyan_callback_seconds")
                            .Help("Time from a callback's header to its answer.")
                            .Register(registry_),
                        {"account"}),
      callback_clock_skew_(BuildGauge()
                               .Name("hongyan_callback_clock_skew_seconds")
                               .Help("This host's clock less the timestamp of the last request "
                                     "with a right signature.")
                               .Register(registry_)
                               .Add({})),
      handler_calls_(BuildCounter()
                         .Name("hongyan_handler_calls_total")
                         .Help("Events for the account's handler, by account and outcome.")
                         .Register(registry_),
                     {"account", "outcome"}),
      handler_seconds_(BuildHistogram()
                           .Name("hongyan_handler_seconds")
                           .Help("Time of one call to the account's handler.")
                           .Register(registry_),
                       {"account"}),
      idempotency_keys_forgotten_(
          BuildCounter()
              .Name("hongyan_idempotency_keys_forgotten_total")
              .Help("Idempotency keys that made room for others before their 24 hours.")
              .Register(registry_)
              .Add({})),
      allowances_not_noted_(
          BuildCounter()
              .Name("hongyan_allowances_not_noted_total")
              .Help("Customer-service messages whose cost found no place to wait for storage.")
              .Register(registry_)
              .Add({})),
      in_flight_(BuildGauge()
                     .Name("hongyan_in_flight")
                     .Help("Calls that are being worked on.")
                     .Register(registry_)
                     .Add({})),
      event_watchers_(BuildGauge()
                          .Name("hongyan_event_watchers")
                          .Help("WatchEvents streams.")
                          .Register(registry_)
                          .Add({})),
      signatures_forgotten_(BuildCounter()
                                .Name("hongyan_callback_signatures_forgotten_total")
                                .Help("Remembered signatures that made room before their time.")
                                .Register(registry_)
                                .Add({})),
      log_lines_dropped_(BuildCounter()
                             .Name("hongyan_log_lines_dropped_total")
                             .Help("Log lines dropped because standard error took nothing.")
                             .Register(registry_)
                             .Add({})) {}

void Metrics::Introduce(absl::string_view account, absl::string_view token_api,
                        const std::vector<absl::string_view>& types) {
  for (const char* kind : {"text", "template"}) {
    for (const char* outcome : {"accepted", "failed", "unknown", "expired"}) {
      sends_.At({account, kind, outcome});
    }
  }
  // The list of the README.
  for (const char* errcode : {"40125", "40164", "45009"}) {
    wechat_requests_.At({account, token_api, errcode});
  }
  // Every other API that WechatClient calls.
  for (const char* api :
       {"/cgi-bin/message/custom/send", "/cgi-bin/message/custom/typing",
        "/cgi-bin/message/template/send", "/cgi-bin/template/get_all_private_template",
        "/cgi-bin/user/get", "/cgi-bin/user/info", "/cgi-bin/user/info/batchget"}) {
    for (const char* errcode : {"45009", "48001"}) wechat_requests_.At({account, api, errcode});
  }
  if (types.empty()) return;
  for (const absl::string_view type : types) callbacks_.At({account, type, "ok"});
  for (const char* outcome : {"forbidden", "stale", "unencrypted", "invalid"}) {
    callbacks_.At({account, "unknown", outcome});
  }
  callbacks_.At({"unknown", "unknown", "not_found"});
  callback_seconds_.At({account}, Seconds());
}

void Metrics::RpcHandled(absl::string_view service, absl::string_view method, absl::StatusCode code,
                         absl::Duration took) {
  rpc_handled_.At({service, method, CodeName(code)}).Increment();
  rpc_seconds_.At({service, method}, Seconds()).Observe(absl::ToDoubleSeconds(took));
}

void Metrics::Send(absl::string_view account, absl::string_view kind, absl::string_view outcome) {
  sends_.At({account, kind, outcome}).Increment();
}

void Metrics::WechatRequest(absl::string_view account, absl::string_view api,
                            absl::string_view errcode, absl::Duration took) {
  wechat_requests_.At({account, api, errcode}).Increment();
  wechat_seconds_.At({account, api}, Seconds()).Observe(absl::ToDoubleSeconds(took));
}

void Metrics::AddressesPassedOver(std::int64_t delta) {
  addresses_passed_over_.Increment(static_cast<double>(delta));
}

void Metrics::TokenRequest(absl::string_view account, absl::string_view outcome) {
  token_requests_.At({account, outcome}).Increment();
}

void Metrics::TokenExpiry(absl::string_view account, absl::Time when) {
  token_expiry_.At({account}).Set(static_cast<double>(absl::ToUnixSeconds(when)));
}

void Metrics::Callback(absl::string_view account, absl::string_view type, absl::string_view outcome,
                       absl::Duration took) {
  callbacks_.At({account, type, outcome}).Increment();
  callback_seconds_.At({account}, Seconds()).Observe(absl::ToDoubleSeconds(took));
}

void Metrics::CallbackRefused(absl::string_view outcome) {
  callbacks_.At({"unknown", "unknown", outcome}).Increment();
}

void Metrics::CallbackClockSkew(absl::Duration skew) {
  callback_clock_skew_.Set(absl::ToDoubleSeconds(skew));
}

void Metrics::EventWatchers(int watchers) { event_watchers_.Set(watchers); }

void Metrics::SignaturesForgotten(std::int64_t total) { RaiseTo(total, signatures_forgotten_); }

void Metrics::HandlerCall(absl::string_view account, absl::string_view outcome) {
  handler_calls_.At({account, outcome}).Increment();
}

void Metrics::HandlerSeconds(absl::string_view account, absl::Duration took) {
  handler_seconds_.At({account}, Seconds()).Observe(absl::ToDoubleSeconds(took));
}

void Metrics::IdempotencyKeyForgotten() { idempotency_keys_forgotten_.Increment(); }

void Metrics::AllowanceNotNoted() { allowances_not_noted_.Increment(); }

void Metrics::InFlight(std::int64_t delta) { in_flight_.Increment(static_cast<double>(delta)); }

void Metrics::LogLinesDropped(std::int64_t total) { RaiseTo(total, log_lines_dropped_); }

absl::string_view CodeName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return "OK";
    case absl::StatusCode::kCancelled:
      return "Canceled";
    case absl::StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case absl::StatusCode::kDeadlineExceeded:
      return "DeadlineExceeded";
    case absl::StatusCode::kNotFound:
      return "NotFound";
    case absl::StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case absl::StatusCode::kPermissionDenied:
      return "PermissionDenied";
    case absl::StatusCode::kResourceExhausted:
      return "ResourceExhausted";
    case absl::StatusCode::kFailedPrecondition:
      return "FailedPrecondition";
    case absl::StatusCode::kAborted:
      return "Aborted";
    case absl::StatusCode::kOutOfRange:
      return "OutOfRange";
    case absl::StatusCode::kUnimplemented:
      return "Unimplemented";
    case absl::StatusCode::kInternal:
      return "Internal";
    case absl::StatusCode::kUnavailable:
      return "Unavailable";
    case absl::StatusCode::kDataLoss:
      return "DataLoss";
    case absl::StatusCode::kUnauthenticated:
      return "Unauthenticated";
    default:
      return "Unknown";
  }
}

}  // namespace hongyan::base
