// When the client repeats a call by itself: the one place that decides.
//
// Contract: a send is repeated only where the message certainly did not go out, which is OVERLOADED
//           and SHUTTING_DOWN; or, when an idempotency_key makes the service recognize it, after a
//           connection lost underway. A read is also repeated while nobody answers: UNAVAILABLE
//           without a reason. At most kMaxRetries repeats, never past the call's deadline, never
//           when the service's `grpc-retry-pushback-ms` is negative or unreadable. Everything else
//           is the caller's decision: Hongyan itself repeats towards WeChat, and repeating in two
//           places multiplies load.
// Threads:  plain functions, any thread.
// Source:   the pushback's meaning:
//           https://github.com/grpc/proposal/blob/master/A6-client-retries.md
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "hongyan_client/error.h"

namespace hongyan::client {

inline constexpr int kMaxRetries = 3;
// Waits double from here where the service names none.
inline constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);

enum class CallKind {
  kRead,
  kSend,
  kSendWithKey,  // has an idempotency_key
};

struct FailedAttempt {
  Error error = {};
  int retries_done = 0;
  // The trailing `grpc-retry-pushback-ms`, as it came.
  std::optional<std::string> pushback = {};
};

// How long to wait before the next attempt; nullopt: report the failure. `jitter`, 0 to 1, spreads
// the waits that the client chooses itself between half and all of the back-off.
std::optional<absl::Duration> RetryDelay(CallKind kind, const FailedAttempt& attempt,
                                         absl::Duration time_left, double jitter);

}  // namespace hongyan::client
