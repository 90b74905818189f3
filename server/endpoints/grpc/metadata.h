// What a gRPC call has beside its messages: deadline, metadata, status.
//
// Threads: plain functions; call them where gRPC allows the context to be touched.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/api/call.h"

namespace hongyan::endpoints {

// Fills in `call` from metadata and deadline. A call without a deadline, or with one of more than a
// day, has `ceiling` from now; one that its caller gave more time than that has it, up to ten
// minutes. An x-request-id that is not 1 to 128 visible ASCII characters is replaced by one of
// ours.
void ReadMetadata(const grpc::ServerContext& context, async::MonoTime now, absl::Duration ceiling,
                  api::Call& call);

// Echoes x-request-id. Call once, before anything is written or finished.
void AddInitialMetadata(grpc::ServerContext& context, const api::Call& call);

// For errors: x-request-id again, since many clients hand out only the trailers of a failed call,
// and grpc-retry-pushback-ms. Call once, before the call is finished.
void AddTrailers(grpc::ServerContext& context, const api::Call& call, const absl::Status& status);

// With the details in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Messages go in and out as bytes, so that it is us who refuse what is no message: the typed calls
// of gRPC 1.51 end without a word that explains it.
bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);
grpc::Status Serialize(const google::protobuf::MessageLite& message, grpc::ByteBuffer& bytes);

}  // namespace hongyan::endpoints
