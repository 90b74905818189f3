// One call of any kind, from gRPC's queue to its function on the event loop and back.
//
// Threads:  the router's thread hands it gRPC's events; its task and all that begins with it are
//           the loop's.
// Lifetime: each event that gRPC owes it keeps it alive, and so does its task.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "server/api/call.h"
#include "server/api/method_table.h"
#include "server/async/wait_list.h"
#include "server/endpoints/grpc/router.h"

namespace hongyan::endpoints {

class RoutedCall final : public api::MessageWriter,
                         public std::enable_shared_from_this<RoutedCall> {
 public:
  // What gRPC's queue hands back when something that it was asked for has come about.
  class Event {
   public:
    explicit Event(void (RoutedCall::*handle)(bool ok)) : handle_(handle) {}
    // `call` lives until gRPC has handed the event back.
    void* KeepAlive(std::shared_ptr<RoutedCall> call);
    void Handle(bool ok);

   private:
    void (RoutedCall::*const handle_)(bool ok);
    std::shared_ptr<RoutedCall> call_;
    // Orders what was written before gRPC was asked before what its answer reads. gRPC's queue
    // orders it too, but ThreadSanitizer can't see into that.
    std::atomic<bool> owed_ = false;
  };
  // A unary call looks like a stream of one response on the wire, and is one here.
  using Stream = grpc::ServerAsyncWriter<grpc::ByteBuffer>;
  using Exchange = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

  // Allocated apart from its reference counts, so that a weak reference doesn't keep a call's
  // memory.
  static std::shared_ptr<RoutedCall> Create(Router& router, const std::string& service,
                                            const api::Method& method,
                                            std::function<void()> await_next) {
    return std::shared_ptr<RoutedCall>(
        new RoutedCall(router, service, method, std::move(await_next)));
  }

  // Asks for the next call of the method. `ask` gets what gRPC needs for that.
  template <typename Ask>
  void Await(Ask ask) {
    router_.Hold();
    context_.AsyncNotifyWhenDone(&closed_);
    ask(context_, in_, responder_, begun_.KeepAlive(shared_from_this()));
  }

  // On the loop, while the task runs.
  void Cancel();
  bool resumable() const { return method_.options.resumable; }
  // On the loop: the answer was ready long ago.
  void CancelUnread() { context_.TryCancel(); }

  async::Task<bool> Write(const google::protobuf::MessageLite& response) override;
  async::Task<bool> Begin() override;
  bool stalled() const override { return stalled_; }

 private:
  RoutedCall(Router& router, const std::string& service, const api::Method& method,
             std::function<void()> await_next);

  // Events, on the router's thread.
  void OnBegun(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);
  void OnClosed(bool ok);

  void Refuse(const absl::Status& status, const grpc::Status& told);
  void RefuseMalformed();
  void Run();
  async::Task<absl::Status> Work();
  async::Task<absl::Status> RunExchange();
  // False: nobody reads any more.
  async::Task<bool> AwaitTurn();
  async::Task<bool> WaitUntilWritten();
  async::MonoTime WritesEnd() const;
  absl::Status Explain(absl::Status status) const;
  void End(absl::Status status);
  void Finish(const grpc::Status& status);
  void CountAndLog(const absl::Status& status) const;
  void Released();

  Router& router_;
  const std::string& service_;
  const api::Method& method_;
  std::function<void()> await_next_;
  grpc::GenericServerContext context_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  std::variant<Stream, Exchange> responder_;
  Event begun_{&RoutedCall::OnBegun};
  Event read_{&RoutedCall::OnRead};
  Event written_{&RoutedCall::OnWritten};
  Event finished_{&RoutedCall::OnFinished};
  Event closed_{&RoutedCall::OnClosed};

  api::Call call_;
  std::unique_ptr<google::protobuf::MessageLite> request_;
  std::unique_ptr<google::protobuf::MessageLite> response_;  // of a unary call
  async::asio::cancellation_signal cancel_;
  async::WaitList moved_;  // something was read or written
  async::WaitList turn_;   // nobody writes any more
  bool counted_ = false;
  bool has_place_ = false;  // of the method's own
  bool malformed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool broken_ = false;  // nobody reads any more
  bool stalled_ = false;
  bool ended_ = false;
  int owed_ = 2;  // of finished_ and closed_; the router's thread's
};

}  // namespace hongyan::endpoints
