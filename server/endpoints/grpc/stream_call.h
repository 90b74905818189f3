// One server-streaming RPC: the handler is a task on the loop that writes message by message.
//
// Contract: Write() ends when gRPC has taken the message, so a slow reader slows the handler and nothing piles up;
//           false once the caller is gone, which its deadline brings about too, or has taken nothing for
//           CallEnvironment::stalled; stalled() tells which. The handler ends then, with a status that a caller who
//           reads on within `answer_limit` finds behind what was sent before; later the call is cancelled. After a cancelled Write the task can't be cancelled any more.
//           Else as UnaryCall.
// Bounds:   one message, and what HTTP/2's windows hold.
// Threads:  as UnaryCall.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "server/async/wait_list.h"
#include "server/endpoints/grpc/call_info.h"
#include "server/endpoints/grpc/call_task.h"

namespace hongyan::endpoints {

// What a streaming handler sees of its call.
template <typename Response>
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  virtual async::Task<bool> Write(Response response) = 0;
  // Whether Write() gave up on a reader who takes nothing.
  virtual bool stalled() const = 0;
  // Sends the initial metadata ahead of the first message, to tell that the stream stands. At most once, before Write.
  virtual void Begin() = 0;
};

template <typename Request, typename Response>
using StreamHandler =
    std::function<async::Task<absl::Status>(CallInfo&, const Request&, StreamWriter<Response>&)>;

template <typename Request, typename Response>
class StreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                         public StreamWriter<Response>,
                         public std::enable_shared_from_this<StreamCall<Request, Response>> {
 public:
  // A write that still waits for its reader at `end` counts as stalled.
  StreamCall(CallEnvironment& environment, CallInfo info, async::MonoTime end,
             grpc::CallbackServerContext* context, StreamHandler<Request, Response> handler)
      : environment_(environment),
        info_(std::move(info)),
        end_(end),
        context_(context),
        handler_(std::move(handler)),
        written_(environment.clock),
        turn_(environment.clock) {}

  bool Read(const grpc::ByteBuffer& request) { return Parse(request, request_); }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(bool counted) {
    counted_ = counted;
    until_done_ = this->shared_from_this();
    WriteInitialMetadata(*context_, info_);
    environment_.loop.Post([self = this->shared_from_this()] { self->Run(); });
    return this;
  }

  void Begin() override { this->StartSendInitialMetadata(); }

  bool stalled() const override { return stalled_; }

  async::Task<bool> Write(Response response) override {
    // The awaited values get names: GCC 12 keeps that of a bare `if (co_await …)` in this template in the frame's own
    // resume pointer.
    while (writing_ && !broken_) {
      const async::WaitList::Woken woken = co_await turn_.Wait(end_);
      if (woken != async::WaitList::Woken::kNotified) co_return false;
    }
    if (broken_) {
      turn_.NotifyOne();  // whoever waits behind has nobody to write to either
      co_return false;
    }
    writing_ = true;
    message_.Clear();
    if (!Serialize(response, message_).ok()) {
      writing_ = false;
      broken_ = true;
      co_return false;
    }
    this->StartWrite(&message_);
    // gRPC owns message_ until OnWriteDone, which comes even when the call is cancelled.
    while (writing_) {
      const async::MonoTime patience =
          std::min({end_, environment_.writes_end,
                    async::After(environment_.clock.Mono(), environment_.stalled)});
      const async::WaitList::Woken woken =
          co_await written_.Wait(broken_ ? async::MonoTime::max() : patience);
      if (woken == async::WaitList::Woken::kDeadline) {
        broken_ = stalled_ = true;
        break;  // message_ stays gRPC's
      }
      if (woken == async::WaitList::Woken::kCancelled) {
        co_await async::asio::this_coro::reset_cancellation_state(
            async::asio::disable_cancellation());
      }
    }
    turn_.NotifyOne();
    co_return !broken_;
  }

 private:
  void Run() {
    RunCall(
        environment_, info_, handler_(info_, request_, *this), signal_,
        [self = this->shared_from_this()](absl::Status status) { self->End(std::move(status)); });
  }

  void End(absl::Status status) {
    ended_ = true;
    CallEnded(environment_, info_, status);
    unread_ = environment_.WatchAnswer(*context_);
    WriteTrailers(*context_, info_, status);
    this->Finish(ToGrpcStatus(status));
  }

  void OnWriteDone(bool ok) override {
    environment_.loop.Post([self = this->shared_from_this(), ok] {
      self->writing_ = false;
      self->broken_ |= !ok;
      self->written_.NotifyAll();
    });
  }

  void OnCancel() override {
    environment_.loop.Post([self = this->shared_from_this()] {
      self->broken_ = true;
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
  const async::MonoTime end_;
  grpc::CallbackServerContext* context_;
  Request request_;
  StreamHandler<Request, Response> handler_;
  async::asio::cancellation_signal signal_;
  grpc::ByteBuffer message_;
  async::WaitList written_;
  async::WaitList turn_;
  bool counted_ = false;
  bool writing_ = false;
  bool broken_ = false;
  bool stalled_ = false;
  bool ended_ = false;
  std::shared_ptr<UnreadAnswer> unread_;
  std::shared_ptr<StreamCall> until_done_;
};

// A stream that ends at once with `status`.
class RefusedStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  RefusedStream(CallEnvironment& environment, const grpc::Status& status) : open_(environment) {
    Finish(status);
  }
  void OnDone() override { delete this; }

 private:
  const OpenCall open_;
};

template <typename Request, typename Response>
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartStream(
    CallEnvironment& environment, grpc::CallbackServerContext* context, const char* service,
    const char* method, const grpc::ByteBuffer* request, absl::Duration ceiling,
    StreamHandler<Request, Response> handler, Admission admission = Admission::kCounted) {
  CallInfo info = ReadCall(*context, service, method, environment.clock.Mono(), ceiling);
  const bool counted = admission == Admission::kCounted;
  if (counted && !environment.in_flight.Take()) {
    const absl::Status refused = TooManyInFlight();
    CallEnded(environment, info, refused);
    WriteInitialMetadata(*context, info);
    WriteTrailers(*context, info, refused);
    return new RefusedStream(environment, ToGrpcStatus(refused));
  }
  // What the work says of its own end still finds its reader.
  const async::MonoTime end = async::After(info.begun, ceiling + environment.stalled);
  const auto call = std::make_shared<StreamCall<Request, Response>>(environment, info, end, context,
                                                                    std::move(handler));
  if (!call->Read(*request)) {
    if (counted) environment.in_flight.GiveBack();
    WriteInitialMetadata(*context, info);
    return new RefusedStream(environment, Malformed(environment, info));
  }
  return call->Start(counted);
}

}  // namespace hongyan::endpoints
