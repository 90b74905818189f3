// The task behind a call, whatever the call's shape.
//
// Contract: RunCall runs `work` on the loop, but not once CancelAll() was called; `ended` gets its status, INTERNAL
//           (logged) when it threw. Emitting `cancel`, as CallEnvironment::CancelAll() does for all calls, asks the work
//           to end. Two statuses change on the way, for only here it is known whose doing they are: CANCELLED by
//           CancelAll() becomes SHUTTING_DOWN, and a storage that was too slow for a limit of ours, not the caller's
//           deadline, becomes UNAVAILABLE.
// Threads:  event loop only.
// Lifetime: `info`, what `work` refers to and `cancel` outlive the task; `ended` may own them.
#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/async/task.h"
#include "server/endpoints/grpc/call_info.h"

namespace hongyan::endpoints {

// Whether a call takes one of the max_in_flight places. Health checks don't, for they must answer under load, and
// streams that last for days have a bound of their own.
enum class Admission { kCounted, kFree };

// Requests and responses go in and out as bytes, so that it is us who refuse what is no message: the typed callbacks of
// gRPC 1.51 would say UNIMPLEMENTED.
template <typename Message>
bool Parse(const grpc::ByteBuffer& bytes, Message& message) {
  grpc::ByteBuffer copy(bytes);
  return grpc::SerializationTraits<Message>::Deserialize(&copy, &message).ok();
}

template <typename Message>
grpc::Status Serialize(const Message& message, grpc::ByteBuffer& bytes) {
  bool own = false;
  return grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own);
}

// INTERNAL without details, as protobuf's other implementations say it: no protobuf message, or not UTF-8 in a string.
grpc::Status Malformed(CallEnvironment& environment, const CallInfo& info);

void RunCall(CallEnvironment& environment, const CallInfo& info, async::Task<absl::Status> work,
             async::asio::cancellation_signal& cancel,
             absl::AnyInvocable<void(absl::Status)> ended);

}  // namespace hongyan::endpoints
