#include "server/endpoints/grpc/health_service.h"

#include <utility>

#include "server/base/status.h"
#include "server/endpoints/grpc/stream_call.h"
#include "server/endpoints/grpc/unary_call.h"

namespace hongyan::endpoints {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kService[] = "grpc.health.v1.Health";
constexpr std::size_t kMaxWatchers = 1000;

}  // namespace

// One Watch. Lives on the loop; gRPC's threads only post into it.
class HealthService::Watcher final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                                     public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(HealthService& health, CallInfo info, grpc::CallbackServerContext* context,
          std::string service)
      : health_(health), info_(std::move(info)), context_(context), service_(std::move(service)) {}

  // On gRPC's thread.
  void Start() {
    until_done_ = shared_from_this();
    WriteInitialMetadata(*context_, info_);
    health_.environment_.loop.Post([self = shared_from_this()] {
      if (self->health_.ended_ || self->health_.watchers_.size() >= kMaxWatchers) {
        self->End(self->health_.ended_
                      ? ShuttingDown()
                      : Overloaded("too many health watchers, try again in a second",
                                   "健康检查订阅过多，请一秒后重试"));
        return;
      }
      self->health_.watchers_.insert(self);
      self->Tell();
    });
  }

  // Sends the present state, unless the watcher has it or is still being sent another.
  void Tell() {
    if (ended_ || writing_) return;
    const auto now = !health_.services_.contains(service_) ? HealthCheckResponse::SERVICE_UNKNOWN
                     : health_.serving_                    ? HealthCheckResponse::SERVING
                                                           : HealthCheckResponse::NOT_SERVING;
    if (now == told_) return;
    told_ = now;
    HealthCheckResponse response;
    response.set_status(now);
    message_.Clear();
    if (!Serialize(response, message_).ok()) return;
    writing_ = true;
    StartWrite(&message_);
  }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    health_.watchers_.erase(shared_from_this());
    CallEnded(health_.environment_, info_, status);
    WriteTrailers(*context_, info_, status);
    Finish(ToGrpcStatus(status));
  }

 private:
  void OnWriteDone(bool ok) override {
    health_.environment_.loop.Post([self = shared_from_this(), ok] {
      self->writing_ = false;
      if (ok) self->Tell();
    });
  }

  void OnCancel() override {
    health_.environment_.loop.Post(
        [self = shared_from_this()] { self->End(absl::CancelledError("the caller went away")); });
  }

  void OnDone() override { until_done_.reset(); }

  HealthService& health_;
  const OpenCall open_{health_.environment_};
  const CallInfo info_;
  grpc::CallbackServerContext* const context_;
  const std::string service_;
  HealthCheckResponse::ServingStatus told_ = HealthCheckResponse::UNKNOWN;  // which is never sent
  grpc::ByteBuffer message_;
  bool writing_ = false;
  bool ended_ = false;
  std::shared_ptr<Watcher> until_done_;
};

HealthService::HealthService(CallEnvironment& environment, std::vector<std::string> services)
    : environment_(environment), services_(services.begin(), services.end()) {}

void HealthService::Set(bool serving) {
  serving_ = serving;
  for (const auto& watcher : watchers_) watcher->Tell();
}

void HealthService::EndWatches() {
  ended_ = true;
  const auto watchers = watchers_;
  for (const auto& watcher : watchers) {
    watcher->End(ShuttingDown());
  }
}

async::Task<absl::Status> HealthService::DoCheck(const HealthCheckRequest& request,
                                                 HealthCheckResponse& response) {
  if (!services_.contains(request.service())) {
    co_return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kInvalidRequest,
                                 "no such service here; reflection lists those that there are")
        .Chinese("没有该服务，可用反射查看已有服务");
  }
  response.set_status(serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
  co_return absl::OkStatus();
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return StartUnary<HealthCheckRequest, HealthCheckResponse>(
      environment_, context, kService, "Check", request, response,
      [this](CallInfo&, const auto& in, auto& out) { return DoCheck(in, out); }, Admission::kFree);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* HealthService::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  CallInfo info =
      ReadCall(*context, kService, "Watch", environment_.clock.Mono(), absl::InfiniteDuration());
  HealthCheckRequest request;
  if (!Parse(*bytes, request)) {
    WriteInitialMetadata(*context, info);
    return new RefusedStream(environment_, Malformed(environment_, info));
  }
  auto watcher = std::make_shared<Watcher>(*this, std::move(info), context, request.service());
  watcher->Start();
  return watcher.get();
}

}  // namespace hongyan::endpoints
