#include "server/endpoints/handler/handler_client.h"

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <utility>

#include "hongyan/v1/event_handler.pb.h"
#include "server/api/stored_event.h"
#include "server/async/handoff.h"
#include "server/endpoints/grpc/files.h"
#include "server/endpoints/grpc/metadata.h"
#include "server/endpoints/handler/reply_convert.h"

namespace hongyan::endpoints {
namespace {

constexpr char kMethod[] = "/hongyan.v1.EventHandlerService/HandleEvent";
constexpr int kFirstBackoffMillis = 200;
// What gRPC calls the least backoff is how long one attempt may take, TLS included; a refused one
// takes none of it.
constexpr int kConnectMillis = 3000;
constexpr int kMostBackoffMillis = 5000;
// gRPC servers complain about pings more often than five minutes; what counts is the timeout, which
// TCP is told too.
constexpr int kKeepaliveMillis = 6 * 60 * 1000;
constexpr int kKeepaliveTimeoutMillis = 5000;

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(HandlerClient::kMaxAnswer));
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetUserAgentPrefix("hongyand");
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMillis);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostBackoffMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  // Once means once; and nothing from the environment or from DNS changes how we call.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const HandlerTarget& target) {
  if (!target.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  for (const auto& [file, content] : {std::pair{&target.ca_file, &options.pem_root_certs},
                                      std::pair{&target.cert_file, &options.pem_cert_chain},
                                      std::pair{&target.key_file, &options.pem_private_key}}) {
    if (file->empty()) continue;
    auto read = ReadFile(*file);
    if (!read.ok()) return read.status();
    *content = *std::move(read);
  }
  return grpc::SslCredentials(options);
}

// What gRPC touches from its threads while the call lasts.
struct Call {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
  grpc::Status status;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HandlerClient>> HandlerClient::Create(const HandlerTarget& target,
                                                                     async::Executor executor) {
  auto credentials = Credentials(target);
  if (!credentials.ok()) return credentials.status();
  auto channel = grpc::CreateCustomChannel(target.target, *credentials, Arguments());
  return std::unique_ptr<HandlerClient>(new HandlerClient(std::move(channel), executor));
}

async::Task<absl::StatusOr<std::optional<core::Reply>>> HandlerClient::Handle(
    model::StoredEvent event, std::string request_id, absl::Duration time_left) {
  v1::HandleEventRequest request;
  api::ToProto(event, *request.mutable_event());
  const auto call = std::make_shared<Call>();
  if (!Serialize(request, call->request).ok()) co_return absl::InternalError("");
  call->context.AddMetadata("x-request-id", request_id);
  call->context.set_wait_for_ready(false);
  call->context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(time_left), GPR_TIMESPAN)));
  // gRPC's thread must not own the call: 1.51 frees its queue twice when that thread drops the last
  // reference to a channel.
  Call* const its = call.get();
  // Both have a name: GCC 12 destroys twice what a temporary captures inside a co_await expression.
  std::function<void(async::Done)> start = [this, its](async::Done done) {
    // As bytes: the typed call of gRPC 1.51 says OK to an answer that it can't parse.
    stub_.UnaryCall(&its->context, kMethod, grpc::StubOptions(), &its->request, &its->response,
                    [its, done](grpc::Status status) {
                      its->status = std::move(status);
                      done();
                    });
  };
  std::function<void()> cancel = [call] { call->context.TryCancel(); };
  co_await async::UntilDone(executor_, std::move(start), std::move(cancel));
  if (!call->status.ok()) {
    // Only the code: its text is the handler's own and may tell of the message.
    co_return absl::Status(static_cast<absl::StatusCode>(call->status.error_code()), "");
  }
  v1::HandleEventResponse response;
  if (!call->response.Valid() || !Parse(call->response, response))
    co_return absl::DataLossError("");
  co_return FromProto(response);
}

}  // namespace hongyan::endpoints
