// bench_echo: answers SendText at once, with nothing behind it. What gRPC itself costs, under the
// same messages, server settings and allocator as hongyand, so that scripts/bench can subtract it.
//
// Prints `listening grpc 127.0.0.1:PORT`; ends on SIGTERM or SIGINT with exit code 0.
#include <grpcpp/grpcpp.h>

#include <csignal>
#include <iostream>

#include "hongyan/v1/notify.grpc.pb.h"

namespace {

constexpr int kMaxStreams = 128;
constexpr int kMaxMetadataBytes = 8 << 10;

class Echo final : public hongyan::v1::NotifyService::CallbackService {
  grpc::ServerUnaryReactor* SendText(grpc::CallbackServerContext* context,
                                     const hongyan::v1::SendTextRequest* request,
                                     hongyan::v1::SendTextResponse* response) override {
    hongyan::v1::Delivery& delivery = *response->mutable_delivery();
    delivery.set_id("01J00000000000000000000000");
    delivery.set_account(request->account());
    delivery.set_openid(request->openid());
    delivery.set_kind(hongyan::v1::DELIVERY_KIND_TEXT);
    delivery.set_state(hongyan::v1::DELIVERY_STATE_ACCEPTED);
    delivery.set_attempts(1);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int main() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  Echo echo;
  grpc::ServerBuilder builder;
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return 1;
  std::cout << "listening grpc 127.0.0.1:" << port << std::endl;
  int signal = 0;
  sigwait(&ends, &signal);
  server->Shutdown();
  return 0;
}
