#include "server/endpoints/grpc/router.h"

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/endpoints/grpc/routed_call.h"

namespace hongyan::endpoints {
namespace {

constexpr std::size_t kFirstSweep = 1000;
constexpr absl::Duration kBetweenSweeps = absl::Seconds(1);

}  // namespace

// A table as gRPC wants it: methods by index, registered so that a unary request comes with its
// call.
class Router::Service final : public grpc::Service {
 public:
  Service(Router& router, api::MethodTable table) : router_(router), table_(std::move(table)) {
    using grpc::internal::RpcMethod;
    for (const api::Method& method : table_.methods) {
      const std::string& path =
          paths_.emplace_back(absl::StrCat("/", table_.service, "/", method.name));
      const auto type = method.kind == api::Kind::kExchange ? RpcMethod::BIDI_STREAMING
                                                            : RpcMethod::SERVER_STREAMING;
      AddMethod(new grpc::internal::RpcServiceMethod(path.c_str(), type, nullptr));
    }
  }

  void Start() {
    for (std::size_t i = 0; i < table_.methods.size(); ++i) AwaitCall(i);
  }

 private:
  void AwaitCall(std::size_t index) {
    const std::shared_ptr<RoutedCall> call = RoutedCall::Create(
        router_, table_.service, table_.methods[index], [this, index] { AwaitCall(index); });
    grpc::ServerCompletionQueue* const queue = router_.queue_.get();
    call->Await([&](grpc::GenericServerContext& context, grpc::ByteBuffer& request, auto& responder,
                    void* event) {
      const int place = static_cast<int>(index);
      if (auto* stream = std::get_if<RoutedCall::Stream>(&responder)) {
        RequestAsyncServerStreaming(place, &context, &request, stream, queue, queue, event);
      } else {
        RequestAsyncBidiStreaming(place, &context, &std::get<RoutedCall::Exchange>(responder),
                                  queue, queue, event);
      }
    });
  }

  Router& router_;
  const api::MethodTable table_;
  std::deque<std::string> paths_;  // gRPC keeps pointers to them
};

Router::Router(async::EventLoop& loop, async::Clock& clock, base::Metrics& metrics,
               core::Accounts& accounts, std::vector<api::MethodTable> tables,
               RouterOptions options)
    : loop_(loop),
      clock_(clock),
      metrics_(metrics),
      accounts_(accounts),
      options_(options),
      next_sweep_(kFirstSweep) {
  for (api::MethodTable& table : tables) {
    services_.push_back(std::make_unique<Service>(*this, std::move(table)));
  }
}

Router::~Router() { Stop(); }

void Router::AddTo(grpc::ServerBuilder& builder) {
  for (const auto& service : services_) builder.RegisterService(service.get());
  builder.RegisterAsyncGenericService(&unknown_);
  queue_ = builder.AddCompletionQueue();
}

void Router::Start() {
  for (const auto& service : services_) service->Start();
  AwaitUnknown();
  thread_ = std::thread([this] { WaitForEvents(); });
}

void Router::Stop() {
  if (!queue_) return;
  // A call may still write, and one that begins asks for the next: gRPC takes both for a mistake
  // once the queue is shut down.
  for (int held = held_; held > 0; held = held_) held_.wait(held);
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    WaitForEvents();
  }
  queue_.reset();
}

void Router::AwaitUnknown() {
  static const api::Method kUnknown{
      "", api::Scope::kNone, api::Kind::kExchange, {}, nullptr, {}, {}, {}};
  static const std::string kNoService;
  const std::shared_ptr<RoutedCall> call =
      RoutedCall::Create(*this, kNoService, kUnknown, [this] { AwaitUnknown(); });
  grpc::ServerCompletionQueue* const queue = queue_.get();
  call->Await([&](grpc::GenericServerContext& context, grpc::ByteBuffer&, auto& responder,
                  void* event) {
    unknown_.RequestCall(&context, &std::get<RoutedCall::Exchange>(responder), queue, queue, event);
  });
}

void Router::WaitForEvents() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    static_cast<RoutedCall::Event*>(tag)->Handle(ok);
  }
}

void Router::BeginStop(async::MonoTime calls_end) {
  stop_.begun = true;
  stop_.calls_end = calls_end;
  const auto all = running_;
  for (RoutedCall* call : all) {
    // Another one's end may have ended it.
    if (running_.contains(call) && call->resumable()) call->Cancel();
  }
}

void Router::CancelAll(async::MonoTime calls_end, async::MonoTime writes_end) {
  stop_.begun = stop_.cut_off = true;
  stop_.calls_end = calls_end;
  stop_.writes_end = writes_end;
  const auto all = running_;
  for (RoutedCall* call : all) {
    if (running_.contains(call)) call->Cancel();
  }
}

void Router::CancelUnreadAnswers(async::MonoTime now) {
  while (!unread_.empty() && unread_.front().until <= now) {
    if (const auto call = unread_.front().call.lock()) call->CancelUnread();
    unread_.pop_front();
  }
}

async::Task<void> Router::SweepUnreadAnswers() {
  const auto alarm = clock_.NewAlarm();
  while (true) {
    const bool time_came = co_await alarm->WaitUntil(async::After(clock_.Mono(), kBetweenSweeps));
    if (!time_came) co_return;
    CancelUnreadAnswers(clock_.Mono());
  }
}

void Router::AddUnread(std::weak_ptr<RoutedCall> call) {
  unread_.push_back({std::move(call), async::After(clock_.Mono(), options_.answer_limit)});
  if (unread_.size() < next_sweep_) return;
  const auto read = [](const Unread& unread) { return unread.call.expired(); };
  unread_.erase(std::remove_if(unread_.begin(), unread_.end(), read), unread_.end());
  next_sweep_ = std::max(kFirstSweep, 2 * unread_.size());
}

bool Router::TakePlace() {
  if (in_flight_.fetch_add(1, std::memory_order_relaxed) >= options_.max_in_flight) {
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  metrics_.in_flight->Increment();
  return true;
}

void Router::GiveBackPlace() {
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  metrics_.in_flight->Decrement();
}

void Router::Opened() { ++open_; }

void Router::Closed() {
  --open_;
  Release();
}

void Router::Hold() { ++held_; }

void Router::Release() {
  if (--held_ == 0) held_.notify_all();
}

}  // namespace hongyan::endpoints
