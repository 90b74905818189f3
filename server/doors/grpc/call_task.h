// The task behind a call, whatever the call's shape.
//
// Contract: RunCall runs `work` on the loop; `ended` gets its status, INTERNAL (logged) when it threw. Emitting
//           `cancel` asks the work to end.
// Threads:  event loop only.
// Lifetime: `info`, what `work` refers to and `cancel` outlive the task; `ended` may own them.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/async/task.h"
#include "server/doors/grpc/call_info.h"

namespace hongyan::doors {

// Whether a call takes one of the max_in_flight places. Health checks don't, for they must answer under load, and
// streams that last for days have a bound of their own.
enum class Admission { kCounted, kFree };

void RunCall(CallEnvironment& environment, const CallInfo& info, async::Task<absl::Status> work,
             async::asio::cancellation_signal& cancel,
             absl::AnyInvocable<void(absl::Status)> ended);

}  // namespace hongyan::doors
