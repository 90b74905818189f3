#include "hongyan_client/event_follower.h"

#include "hongyan_client/resumption.h"

namespace hongyan::client {

absl::Status FollowEvents(Client& client, v1::WatchEventsRequest request,
                          const FollowHandlers& handlers, const CallOptions& options) {
  Canceller never;
  CallOptions each = options;
  if (each.canceller == nullptr) each.canceller = &never;
  Resumption resumption;
  const auto on_open = [&] {
    resumption.Answered();
    if (handlers.on_open) handlers.on_open();
  };
  const auto on_event = [&](const v1::Event& event) {
    const bool more = handlers.on_event(event);
    resumption.Progressed();
    request.set_after_cursor(event.cursor());
    return more;
  };
  while (true) {
    const v1::WatchEventsRequest from = request;
    const absl::Status status = client.WatchEvents(from, on_open, on_event, each);
    if (status.ok() || each.canceller->cancelled()) return absl::OkStatus();
    const std::optional<absl::Duration> pause = resumption.PauseAfter(Describe(status));
    if (!pause.has_value()) return status;
    if (handlers.on_break) handlers.on_break(status, *pause, !request.has_after_cursor());
    each.canceller->WaitFor(*pause);
    if (each.canceller->cancelled()) return absl::OkStatus();
  }
}

}  // namespace hongyan::client
