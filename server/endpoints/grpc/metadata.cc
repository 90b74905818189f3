#include "server/endpoints/grpc/metadata.h"

#include <grpc/support/time.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/base/id.h"
#include "server/base/status.h"
#include "server/base/text.h"

namespace hongyan::endpoints {
namespace {

using google::protobuf::MessageLite;

constexpr char kRequestId[] = "x-request-id";
constexpr std::size_t kMaxRequestId = 128;
constexpr std::size_t kMaxTraceparent = 128;
// An answer must be back before the caller's own clock gives up, or its details are lost. And gRPC
// rounds a deadline up by up to a hundredth on its way to us.
constexpr absl::Duration kWayBack = absl::Milliseconds(20);
constexpr int kRounding = 100;
// How long a caller may want to wait.
constexpr absl::Duration kLongestWait = absl::Minutes(10);
// From here on it is none: gRPC makes a time in the far future of a grpc-timeout that it can't
// read.
constexpr absl::Duration kNoDeadline = absl::Hours(24);

std::string Metadata(const grpc::ServerContext& context, const char* key) {
  const auto it = context.client_metadata().find(key);
  if (it == context.client_metadata().end()) return "";
  return std::string(it->second.data(), it->second.size());
}

bool IsPlain(const std::string& value, std::size_t max) {
  return !value.empty() && value.size() <= max && base::IsVisibleAscii(value);
}

}  // namespace

void ReadMetadata(const grpc::ServerContext& context, async::MonoTime now, absl::Duration ceiling,
                  api::Call& call) {
  call.begun = now;
  call.request_id = Metadata(context, kRequestId);
  if (!IsPlain(call.request_id, kMaxRequestId)) call.request_id = base::RandomHex128();
  call.traceparent = Metadata(context, "traceparent");
  if (!IsPlain(call.traceparent, kMaxTraceparent)) call.traceparent.clear();

  call.limit = {async::After(now, ceiling), false};
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  const absl::Duration until = absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  if (until >= kNoDeadline) return;
  const absl::Duration longest = std::max(ceiling, kLongestWait);
  if (until >= longest) {
    call.limit = {async::After(now, longest), false};
    return;
  }
  const absl::Duration way_back =
      std::clamp(until / 10, absl::ZeroDuration(), std::max(kWayBack, until / kRounding));
  call.limit = {async::After(now, until - way_back), true};
}

void AddInitialMetadata(grpc::ServerContext& context, const api::Call& call) {
  context.AddInitialMetadata(kRequestId, call.request_id);
}

void AddTrailers(grpc::ServerContext& context, const api::Call& call, const absl::Status& status) {
  if (status.ok()) return;
  context.AddTrailingMetadata(kRequestId, call.request_id);
  if (base::Has(status, base::Reason::kOutcomeUnknown)) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
  } else if (const auto delay = base::GetRetryDelay(status)) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms",
                                absl::StrCat(absl::ToInt64Milliseconds(*delay)));
  }
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      base::SerializeRpcStatus(status));
}

bool Parse(const grpc::ByteBuffer& bytes, MessageLite& message) {
  grpc::ByteBuffer copy(bytes);
  return grpc::SerializationTraits<MessageLite>::Deserialize(&copy, &message).ok();
}

grpc::Status Serialize(const MessageLite& message, grpc::ByteBuffer& bytes) {
  bool own = false;
  return grpc::GenericSerialize<grpc::ProtoBufferWriter, MessageLite>(message, &bytes, &own);
}

}  // namespace hongyan::endpoints
