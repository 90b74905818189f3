// One unary RPC: from gRPC's thread to the loop and back.
//
// Contract: the handler runs as a task on the event loop and returns the call's status; its exceptions become
//           INTERNAL. A caller that leaves or whose deadline passes cancels the task. Finish is called exactly once,
//           after the task has ended, and is the last touch of context, request and response. An answer that the caller
//           hasn't taken CallEnvironment::answer_limit later is cancelled.
// Threads:  StartUnary on gRPC's; everything else on the loop, but for OnCancel and OnDone, which only post and release.
// Lifetime: a call keeps itself alive until gRPC has done with it and the task has ended, whichever comes last.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "server/endpoints/grpc/call_info.h"
#include "server/endpoints/grpc/call_task.h"

namespace hongyan::endpoints {

inline constexpr absl::Duration kUnaryCeiling = absl::Seconds(30);

template <typename Request, typename Response>
using UnaryHandler = std::function<async::Task<absl::Status>(CallInfo&, const Request&, Response&)>;

template <typename Request, typename Response>
class UnaryCall final : public grpc::ServerUnaryReactor,
                        public std::enable_shared_from_this<UnaryCall<Request, Response>> {
 public:
  UnaryCall(CallEnvironment& environment, CallInfo info, grpc::CallbackServerContext* context,
            grpc::ByteBuffer* response, UnaryHandler<Request, Response> handler)
      : environment_(environment),
        info_(std::move(info)),
        context_(context),
        out_(response),
        handler_(std::move(handler)) {}

  bool Read(const grpc::ByteBuffer& request) { return Parse(request, request_); }

  grpc::ServerUnaryReactor* Start(bool counted) {
    counted_ = counted;
    until_done_ = this->shared_from_this();
    environment_.loop.Post([self = this->shared_from_this()] { self->Run(); });
    return this;
  }

 private:
  void Run() {
    RunCall(
        environment_, info_, handler_(info_, request_, response_), signal_,
        [self = this->shared_from_this()](absl::Status status) { self->End(std::move(status)); });
  }

  void End(absl::Status status) {
    ended_ = true;
    CallEnded(environment_, info_, status);
    unread_ = environment_.WatchAnswer(*context_);
    WriteInitialMetadata(*context_, info_);
    WriteTrailers(*context_, info_, status);
    // Finish wakes a thread of gRPC's: once for all the calls that end in this turn of the loop.
    environment_.loop.AfterReady([self = this->shared_from_this(), status = std::move(status)] {
      self->Finish(status.ok() ? Serialize(self->response_, *self->out_) : ToGrpcStatus(status));
    });
  }

  void OnCancel() override {
    environment_.loop.Post([self = this->shared_from_this()] {
      if (!self->ended_) self->signal_.emit(async::asio::cancellation_type::terminal);
    });
  }

  void OnDone() override {
    unread_->Done();
    if (counted_) environment_.in_flight.GiveBack();
    until_done_.reset();
  }

  CallEnvironment& environment_;
  const OpenCall open_{environment_};
  CallInfo info_;
  grpc::CallbackServerContext* context_;
  Request request_;
  Response response_;
  grpc::ByteBuffer* const out_;
  UnaryHandler<Request, Response> handler_;
  async::asio::cancellation_signal signal_;
  bool counted_ = false;
  bool ended_ = false;
  std::shared_ptr<UnreadAnswer> unread_;
  std::shared_ptr<UnaryCall> until_done_;
};

template <typename Request, typename Response>
grpc::ServerUnaryReactor* StartUnary(CallEnvironment& environment,
                                     grpc::CallbackServerContext* context, const char* service,
                                     const char* method, const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response,
                                     std::type_identity_t<UnaryHandler<Request, Response>> handler,
                                     Admission admission = Admission::kCounted) {
  CallInfo info = ReadCall(*context, service, method, environment.clock.Mono(), kUnaryCeiling);
  const bool counted = admission == Admission::kCounted;
  if (counted && !environment.in_flight.Take()) {
    const absl::Status refused = TooManyInFlight();
    CallEnded(environment, info, refused);
    WriteInitialMetadata(*context, info);
    WriteTrailers(*context, info, refused);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(refused));
    return reactor;
  }
  const auto call = std::make_shared<UnaryCall<Request, Response>>(environment, info, context,
                                                                   response, std::move(handler));
  if (!call->Read(*request)) {
    if (counted) environment.in_flight.GiveBack();
    WriteInitialMetadata(*context, info);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(Malformed(environment, info));
    return reactor;
  }
  return call->Start(counted);
}

}  // namespace hongyan::endpoints
