#include "server/endpoints/grpc/routed_call.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "server/api/errors.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/endpoints/grpc/metadata.h"

namespace hongyan::endpoints {
namespace {

using async::Task;
using async::WaitList;

std::variant<RoutedCall::Stream, RoutedCall::Exchange> MakeResponder(api::Kind kind,
                                                                     grpc::ServerContext* context) {
  if (kind == api::Kind::kExchange) return RoutedCall::Exchange(context);
  return RoutedCall::Stream(context);
}

}  // namespace

RoutedCall::RoutedCall(Router& router, const std::string& service, const api::Method& method,
                       std::function<void()> await_next)
    : router_(router),
      service_(service),
      method_(method),
      await_next_(std::move(await_next)),
      responder_(MakeResponder(method.kind, &context_)),
      call_{router.stop_},
      moved_(router.clock_),
      turn_(router.clock_) {}

// A write waits no longer than this, so that the final status can still be read.
async::MonoTime RoutedCall::WritesEnd() const {
  return async::After(call_.begun, method_.options.ceiling + router_.options_.stalled);
}

void* RoutedCall::Event::KeepAlive(std::shared_ptr<RoutedCall> call) {
  call_ = std::move(call);
  owed_.store(true, std::memory_order_release);
  return this;
}

void RoutedCall::Event::Handle(bool ok) {
  owed_.exchange(false, std::memory_order_acquire);
  const std::shared_ptr<RoutedCall> call = std::move(call_);
  ((*call).*handle_)(ok);
}

void RoutedCall::OnBegun(bool ok) {
  if (!ok) {  // the server was shut down
    router_.Release();
    return;
  }
  router_.Opened();
  closed_.KeepAlive(shared_from_this());
  std::exchange(await_next_, nullptr)();
  ReadMetadata(context_, router_.clock_.Mono(), method_.options.ceiling, call_);
  AddInitialMetadata(context_, call_);
  if (method_.request == nullptr) {
    Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                        "no such method here; reflection lists those that there are"));
    return;
  }
  if (method_.options.counted) {
    counted_ = router_.TakePlace();
    if (!counted_) {
      const absl::Status refused = api::TooManyInFlight();
      Refuse(refused, ToGrpcStatus(refused));
      return;
    }
  }
  if (method_.kind != api::Kind::kExchange) {
    request_.reset(method_.request->New());
    if (!Parse(in_, *request_)) {
      RefuseMalformed();
      return;
    }
    in_.Clear();
  }
  router_.loop_.Post([self = shared_from_this()] { self->Run(); });
}

void RoutedCall::Refuse(const absl::Status& status, const grpc::Status& told) {
  CountAndLog(status);
  if (!told.error_details().empty()) AddTrailers(context_, call_, status);
  Finish(told);
}

void RoutedCall::RefuseMalformed() {
  constexpr char kWhat[] =
      "the request is no protobuf message of this method, or a string in it is not UTF-8";
  Refuse(absl::InternalError(kWhat), grpc::Status(grpc::StatusCode::INTERNAL, kWhat));
}

void RoutedCall::Run() {
  const api::StopState& stop = router_.stop_;
  if (stop.cut_off || (stop.begun && resumable())) {
    End(api::ShuttingDown());
    return;
  }
  if (method_.options.account != api::AccountRule::kNone) {
    const std::string& name = method_.account_of(*request_);
    if (method_.options.account == api::AccountRule::kRequired || !name.empty()) {
      const auto found = router_.accounts_.Find(name);
      if (!found.ok()) {
        End(found.status());
        return;
      }
      call_.account = *found;
    }
  }
  if (method_.options.places != nullptr) {
    absl::Status refused = method_.options.places->Take();
    if (!refused.ok()) {
      End(std::move(refused));
      return;
    }
    has_place_ = true;
  }
  router_.running_.insert(this);
  async::asio::co_spawn(
      router_.loop_.executor(), Work(),
      async::asio::bind_cancellation_slot(
          cancel_.slot(), [self = shared_from_this()](std::exception_ptr e, absl::Status status) {
            self->router_.running_.erase(self.get());
            if (e) {
              base::Log(base::Level::kError, "handler ended by an exception",
                        {{"method", self->method_.name}, {"request_id", self->call_.request_id}});
              status = api::InternalError();
            }
            self->End(self->Explain(std::move(status)));
          }));
}

Task<absl::Status> RoutedCall::Work() {
  co_await async::asio::this_coro::throw_if_cancelled(false);
  switch (method_.kind) {
    case api::Kind::kUnary: {
      auto response = co_await method_.answer(call_, *request_);
      if (response.ok()) response_ = *std::move(response);
      co_return response.status();
    }
    case api::Kind::kStream:
      co_return co_await method_.write(call_, *request_, *this);
    case api::Kind::kExchange:
      break;
  }
  co_return co_await RunExchange();
}

Task<absl::Status> RoutedCall::RunExchange() {
  while (true) {
    reading_ = true;
    std::get<Exchange>(responder_).Read(&in_, read_.KeepAlive(shared_from_this()));
    while (reading_) {
      const WaitList::Woken woken = co_await moved_.Wait(call_.limit.deadline);
      if (woken != WaitList::Woken::kNotified) {
        co_return api::StreamEnd(call_, false, router_.clock_.Mono());
      }
    }
    if (broken_) co_return api::CallerGone();
    if (!in_.Valid()) co_return absl::OkStatus();  // the caller has said all that it wanted to
    request_.reset(method_.request->New());
    if (!Parse(in_, *request_)) {
      malformed_ = true;
      co_return absl::OkStatus();
    }
    const auto response = co_await method_.answer(call_, *request_);
    if (!response.ok()) co_return response.status();
    const bool written = co_await Write(**response);
    if (!written) co_return api::StreamEnd(call_, stalled_, router_.clock_.Mono());
  }
}

void RoutedCall::OnRead(bool ok) {
  router_.loop_.Post([self = shared_from_this(), ok] {
    self->reading_ = false;
    if (!ok) self->in_.Clear();
    self->moved_.NotifyAll();
  });
}

Task<bool> RoutedCall::AwaitTurn() {
  while (writing_ && !broken_) {
    const WaitList::Woken woken = co_await turn_.Wait(WritesEnd());
    if (woken != WaitList::Woken::kNotified) co_return false;
  }
  if (broken_) {
    turn_.NotifyOne();  // whoever waits behind has nobody to write to either
    co_return false;
  }
  writing_ = true;
  co_return true;
}

Task<bool> RoutedCall::WaitUntilWritten() {
  // gRPC owns out_ until the event comes, which it does even when the call is cancelled.
  bool cancelled = false;
  while (writing_) {
    const async::MonoTime now = router_.clock_.Mono();
    const async::MonoTime patience = std::min(
        {WritesEnd(), router_.stop_.writes_end, async::After(now, router_.options_.stalled)});
    const WaitList::Woken woken = co_await moved_.Wait(broken_ ? async::MonoTime::max() : patience);
    if (woken == WaitList::Woken::kDeadline) {
      broken_ = stalled_ = true;
      break;  // out_ stays gRPC's
    }
    if (woken == WaitList::Woken::kCancelled) {
      cancelled = true;
      co_await async::asio::this_coro::reset_cancellation_state(
          async::asio::disable_cancellation());
    }
  }
  turn_.NotifyOne();
  // What can be taken up elsewhere ends here: no wait that comes later would hear of the
  // cancellation.
  co_return !broken_ && !(cancelled && resumable());
}

Task<bool> RoutedCall::Begin() {
  const bool mine = co_await AwaitTurn();
  if (!mine) co_return false;
  void* const event = written_.KeepAlive(shared_from_this());
  std::visit([event](auto& responder) { responder.SendInitialMetadata(event); }, responder_);
  co_return co_await WaitUntilWritten();
}

Task<bool> RoutedCall::Write(const google::protobuf::MessageLite& response) {
  grpc::ByteBuffer bytes;
  const bool serialized = Serialize(response, bytes).ok();
  const bool mine = co_await AwaitTurn();
  if (!mine) co_return false;
  if (!serialized) {
    writing_ = false;
    broken_ = true;
    turn_.NotifyOne();
    co_return false;
  }
  out_.Swap(&bytes);
  void* const event = written_.KeepAlive(shared_from_this());
  std::visit([this, event](auto& responder) { responder.Write(out_, event); }, responder_);
  co_return co_await WaitUntilWritten();
}

void RoutedCall::OnWritten(bool ok) {
  router_.loop_.Post([self = shared_from_this(), ok] {
    self->writing_ = false;
    self->broken_ |= !ok;
    self->moved_.NotifyAll();
  });
}

void RoutedCall::Cancel() {
  if (!ended_) cancel_.emit(async::asio::cancellation_type::terminal);
}

absl::Status RoutedCall::Explain(absl::Status status) const {
  const api::StopState& stop = router_.stop_;
  if (absl::IsCancelled(status) && (stop.cut_off || (stop.begun && resumable()))) {
    return api::ShuttingDown();
  }
  const bool callers = call_.limit.set_by_caller && router_.clock_.Mono() >= call_.limit.deadline;
  if (callers || !absl::IsDeadlineExceeded(status) ||
      !base::Has(status, base::Reason::kStorageUnavailable)) {
    return status;
  }
  return base::ErrorBuilder(absl::StatusCode::kUnavailable, base::Reason::kStorageUnavailable,
                            status.message())
      .RetryAfter(absl::Seconds(1))
      .Chinese("存储响应过慢，请稍后重试");
}

void RoutedCall::End(absl::Status status) {
  ended_ = true;
  if (has_place_) method_.options.places->GiveBack();
  router_.AddUnread(weak_from_this());
  if (malformed_) {
    RefuseMalformed();
    return;
  }
  if (!status.ok() && call_.account != nullptr) {
    status = base::Annotate(std::move(status), "account", call_.account->name);
  }
  CountAndLog(status);
  AddTrailers(context_, call_, status);
  // Finishing wakes the router's thread: once for all the calls that end in this turn of the loop.
  router_.loop_.AfterReady([self = shared_from_this(), status = std::move(status)] {
    self->Finish(ToGrpcStatus(status));
  });
}

void RoutedCall::Finish(const grpc::Status& status) {
  grpc::Status told = status;
  grpc::ByteBuffer bytes;
  const bool responds = status.ok() && response_ != nullptr;
  if (responds) told = Serialize(*response_, bytes);
  void* const event = finished_.KeepAlive(shared_from_this());
  std::visit(
      [&](auto& responder) {
        if (responds && told.ok()) {
          responder.WriteAndFinish(bytes, grpc::WriteOptions(), told, event);
        } else {
          responder.Finish(told, event);
        }
      },
      responder_);
}

void RoutedCall::OnFinished(bool) { Released(); }

void RoutedCall::OnClosed(bool) {
  if (context_.IsCancelled()) {
    router_.loop_.Post([self = shared_from_this()] {
      self->broken_ = true;
      self->Cancel();
    });
  }
  Released();
}

void RoutedCall::Released() {
  if (--owed_ > 0) return;
  if (counted_) router_.GiveBackPlace();
  router_.Closed();
}

void RoutedCall::CountAndLog(const absl::Status& status) const {
  const absl::Duration took = async::Between(call_.begun, router_.clock_.Mono());
  base::Metrics& metrics = router_.metrics_;
  metrics.rpc_handled.At({service_, method_.name, base::CodeName(status.code())}).Increment();
  base::Observe(took, metrics.rpc_seconds.At({service_, method_.name}));
  // A caller's mistakes and his leaving are no trouble of ours.
  const bool ordinary = status.ok() || absl::IsInvalidArgument(status) || absl::IsCancelled(status);
  const auto level = ordinary ? base::Level::kInfo : base::Level::kWarn;
  if (!base::LogEnabled(level)) return;
  base::Log(level, "rpc",
            {{"method", method_.name},
             {"code", base::CodeName(status.code())},
             {"reason", status.ok() ? std::string() : base::GetReason(status)},
             {"problem", status.ok() ? absl::string_view() : status.message()},
             {"account", call_.account == nullptr ? std::string() : call_.account->name},
             {"delivery", call_.delivery},
             {"request_id", call_.request_id},
             {"traceparent", call_.traceparent},
             {"took_us", absl::ToInt64Microseconds(took)}});
}

}  // namespace hongyan::endpoints
