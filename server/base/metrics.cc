#include "server/base/metrics.h"

#include <map>
#include <type_traits>
#include <utility>

namespace hongyan::base {
namespace {

const prometheus::Histogram::BucketBoundaries& Seconds() {
  static const prometheus::Histogram::BucketBoundaries kBuckets = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  return kBuckets;
}

template <typename T>
auto Build() {
  if constexpr (std::is_same_v<T, prometheus::Counter>) {
    return prometheus::BuildCounter();
  } else if constexpr (std::is_same_v<T, prometheus::Gauge>) {
    return prometheus::BuildGauge();
  } else {
    return prometheus::BuildHistogram();
  }
}

template <typename T>
T& AddChild(prometheus::Family<T>& family, const std::map<std::string, std::string>& labels) {
  if constexpr (std::is_same_v<T, prometheus::Histogram>) {
    return family.Add(labels, Seconds());
  } else {
    return family.Add(labels);
  }
}

}  // namespace

template <typename T>
Metric<T>::Metric(prometheus::Registry& registry, const char* name, const char* help, Labels labels)
    : family_(Build<T>().Name(name).Help(help).Register(registry)), labels_(std::move(labels)) {
  if (labels_.empty()) only_ = &AddChild(family_, {});
}

template <typename T>
T& Metric<T>::At(std::initializer_list<absl::string_view> values) {
  // Without building a map for each use.
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
  auto name = labels_.begin();
  for (const absl::string_view value : values) labels[*name++] = std::string(value);
  T& child = AddChild(family_, labels);
  children_.emplace(key, &child);
  return child;
}

template class Metric<prometheus::Counter>;
template class Metric<prometheus::Gauge>;
template class Metric<prometheus::Histogram>;

void Metrics::Introduce(absl::string_view account, const AccountLabels& labels) {
  for (const absl::string_view kind : labels.message_kinds) {
    for (const char* outcome : {"accepted", "failed", "unknown", "expired"}) {
      sends.At({account, kind, outcome});
    }
  }
  // Those worth an alert: docs/operations.md.
  for (const char* errcode : {"40125", "40164", "45009"}) {
    wechat_requests.At({account, labels.token_api, errcode});
  }
  for (const absl::string_view api : labels.apis) {
    for (const char* errcode : {"45009", "48001"}) wechat_requests.At({account, api, errcode});
  }
  if (labels.callbacks.empty()) return;
  for (const absl::string_view type : labels.callbacks) callbacks.At({account, type, "ok"});
  for (const char* outcome : {"forbidden", "stale", "unencrypted", "invalid"}) {
    callbacks.At({account, "unknown", outcome});
  }
  callbacks.At({"unknown", "unknown", "not_found"});
  callback_seconds.At({account});
}

void Observe(absl::Duration took, prometheus::Histogram& histogram) {
  histogram.Observe(absl::ToDoubleSeconds(took));
}

void RaiseTo(std::int64_t total, Counter& counter) {
  counter->Increment(static_cast<double>(total) - counter->Value());
}

std::vector<prometheus::MetricFamily> Figures::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  for (const Figure& figure : read_()) {
    if (families.empty() || families.back().name != figure.name) {
      families.emplace_back();
      families.back().name = figure.name;
      families.back().help = figure.help;
      families.back().type =
          figure.grows ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    }
    prometheus::ClientMetric metric;
    (figure.grows ? metric.counter.value : metric.gauge.value) = figure.value;
    if (figure.label.first != nullptr) {
      metric.label.push_back({figure.label.first, figure.label.second});
    }
    families.back().metric.push_back(std::move(metric));
  }
  return families;
}

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
