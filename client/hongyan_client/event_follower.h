// Follows events over broken connections and restarts of the service.
//
//   v1::WatchEventsRequest from;
//   from.set_after_cursor(last_cursor_that_was_dealt_with);
//   absl::Status end = FollowEvents(*client, from, {.on_event = [&](const v1::Event& event) {
//     …
//     return true;
//   }});
//
// Contract: a stream that broke is resumed behind the last event that `on_event` took, after the
//           waits of resumption.h, which begin anew with each event. So every event is seen at
//           least once, as EventService promises. Only where `after_cursor` is absent and no event
//           has come yet, a resumed stream begins with what comes then: what happened in between is
//           missing, see FollowHandlers::on_break.
// Errors:   OK: `on_event` said false, or the canceller was used. Before the service has answered
//           once, every error ends it; afterwards those that no repeat mends, see resumption.h. One
//           of these is OUT_OF_RANGE CURSOR_UNKNOWN: the service's storage was put back from a
//           backup, and the caller decides where to begin again.
// Threads:  handlers run on the calling thread.
// Lifetime: `client` outlives the call.
// Source:   protos/hongyan/v1/event.proto.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "hongyan_client/client.h"

namespace hongyan::client {

struct FollowHandlers {
  // Required. False: no more. An event counts as taken when it returns, false or true.
  std::function<bool(const v1::Event&)> on_event;
  // The service has answered; called again after each break.
  std::function<void()> on_open = {};
  // The stream broke and is resumed after `pause`. `gap`: what happens until then is missing.
  std::function<void(const absl::Status& why, absl::Duration pause, bool gap)> on_break = {};
};

absl::Status FollowEvents(Client& client, v1::WatchEventsRequest request,
                          const FollowHandlers& handlers, const CallOptions& options = {});

}  // namespace hongyan::client
