#include "hongyan_client/resumption.h"

#include <algorithm>

namespace hongyan::client {

bool MayResume(const Error& error) {
  switch (error.code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
    // Some proxies end every stream after a while in this way.
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    default:
      return error.reason == "OVERLOADED";
  }
}

void Resumption::Progressed() {
  answered_ = true;
  breaks_ = 0;
  next_pause_ = kFirstPause;
}

std::optional<absl::Duration> Resumption::PauseAfter(const Error& error) {
  if (!answered_ || !MayResume(error) || breaks_ >= max_breaks_) return std::nullopt;
  ++breaks_;
  const absl::Duration asked = error.retry_delay.value_or(absl::ZeroDuration());
  const absl::Duration pause = std::min(std::max(next_pause_, asked), kLongestPause);
  next_pause_ = std::min(next_pause_ * 2, kLongestPause);
  return pause;
}

}  // namespace hongyan::client
