#include "hongyan_client/retry.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"

namespace hongyan::client {
namespace {

bool MayRepeat(CallKind kind, const Error& error) {
  if (error.reason == "OVERLOADED" || error.reason == "SHUTTING_DOWN") return true;
  // With a reason it was the service that spoke, and where WeChat is the cause it has repeated
  // already.
  if (error.code != absl::StatusCode::kUnavailable || !error.reason.empty()) return false;
  switch (kind) {
    case CallKind::kRead:
      return true;
    case CallKind::kSendWithKey:
      return !error.not_connected;
    case CallKind::kSend:
      return false;
  }
  return false;
}

}  // namespace

std::optional<absl::Duration> RetryDelay(CallKind kind, const FailedAttempt& attempt,
                                         absl::Duration time_left, double jitter) {
  if (attempt.retries_done >= kMaxRetries || !MayRepeat(kind, attempt.error)) return std::nullopt;
  absl::Duration delay = kFirstBackoff * (1 << attempt.retries_done) * (0.5 + 0.5 * jitter);
  if (attempt.error.retry_delay.has_value()) delay = *attempt.error.retry_delay;
  if (attempt.pushback.has_value()) {
    std::int64_t milliseconds = 0;
    if (!absl::SimpleAtoi(*attempt.pushback, &milliseconds) || milliseconds < 0) {
      return std::nullopt;
    }
    const absl::Duration pushback = absl::Milliseconds(milliseconds);
    delay = attempt.error.retry_delay.has_value() ? std::max(delay, pushback) : pushback;
  }
  if (delay >= time_left) return std::nullopt;
  return delay;
}

}  // namespace hongyan::client
