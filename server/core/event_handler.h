// Whoever makes the reply to an event in the account's stead: the user's own microservice.
//
// Contract: Handle() yields its reply, or none. It ends soon after `time_left`, and soon after the
//           task is cancelled.
// Errors:   kDeadlineExceeded - no answer within `time_left`; kDataLoss - an answer that can't be
//           read; any other code as it came from there or from the network. Messages have nothing
//           of the answer's content.
// Threads:  event loop only.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/task.h"
#include "server/core/reply.h"
#include "server/storage/event_store.h"

namespace hongyan::core {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // `request_id`: under which the push is logged here; goes along.
  virtual async::Task<absl::StatusOr<std::optional<Reply>>> Handle(model::StoredEvent event,
                                                                   std::string request_id,
                                                                   absl::Duration time_left) = 0;
};

}  // namespace hongyan::core
