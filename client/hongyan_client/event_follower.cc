#include "hongyan_client/event_follower.h"

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

absl::Status FollowEvents(Client& client, v1::WatchEventsRequest request,
                          const FollowHandlers& handlers, const CallOptions& options) {
  Canceller never;
  CallOptions each = options;
  if (each.canceller == nullptr) each.canceller = &never;
  bool answered = false;
  absl::Duration next_pause = kFirstPause;
  const auto on_open = [&] {
    answered = true;
    if (handlers.on_open) handlers.on_open();
  };
  const auto on_event = [&](const v1::Event& event) {
    const bool more = handlers.on_event(event);
    answered = true;
    next_pause = kFirstPause;
    request.set_after_cursor(event.cursor());
    return more;
  };
  while (true) {
    const v1::WatchEventsRequest from = request;
    const absl::Status status = client.WatchEvents(from, on_open, on_event, each);
    if (status.ok() || each.canceller->cancelled()) return absl::OkStatus();
    const Error error = Describe(status);
    if (!answered || !MayResume(error)) return status;
    const absl::Duration asked = error.retry_delay.value_or(absl::ZeroDuration());
    const absl::Duration pause = std::min(std::max(next_pause, asked), kLongestPause);
    next_pause = std::min(next_pause * 2, kLongestPause);
    if (handlers.on_break) handlers.on_break(status, pause, !request.has_after_cursor());
    each.canceller->WaitFor(pause);
    if (each.canceller->cancelled()) return absl::OkStatus();
  }
}

}  // namespace hongyan::client
