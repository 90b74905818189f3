#include "server/endpoints/grpc/health.h"

#include "server/base/status.h"

namespace hongyan::endpoints {
namespace {

constexpr int kMaxWatchers = 1000;

}  // namespace

Health::Health(const std::vector<std::string>& services, async::Clock& clock)
    : clock_(clock),
      services_(services.begin(), services.end()),
      changed_(clock),
      watchers_(kMaxWatchers, "too many health watchers, try again in a second",
                "健康检查订阅过多，请一秒后重试") {
  services_.emplace();  // the server as a whole
}

api::MethodTable Health::Methods() {
  api::MethodOptions check;
  check.counted = false;  // it must answer under load
  api::MethodOptions watch = check;
  watch.ceiling = absl::InfiniteDuration();
  watch.places = &watchers_;
  watch.resumable = true;
  return {"grpc.health.v1.Health",
          {api::Unary(api::Scope::kNone, "Check", this, &Health::Check, check),
           api::Stream(api::Scope::kNone, "Watch", this, &Health::Watch, watch)}};
}

void Health::Set(bool serving) {
  serving_ = serving;
  changed_.NotifyAll();
}

Health::Response::ServingStatus Health::GetStatus(const std::string& service) const {
  if (!services_.contains(service)) return Response::SERVICE_UNKNOWN;
  return serving_ ? Response::SERVING : Response::NOT_SERVING;
}

async::Task<absl::StatusOr<Health::Response>> Health::Check(api::Call&, const Request& request) {
  Response response;
  response.set_status(GetStatus(request.service()));
  if (response.status() != Response::SERVICE_UNKNOWN) co_return response;
  co_return base::ErrorBuilder(absl::StatusCode::kNotFound, base::Reason::kInvalidRequest,
                               "no such service here; reflection lists those that there are")
      .Chinese("没有该服务，可用反射查看已有服务");
}

async::Task<absl::Status> Health::Watch(api::Call& call, const Request& request,
                                        api::ResponseWriter<Response> writer) {
  Response told;  // UNKNOWN, which is never sent
  while (true) {
    Response now;
    now.set_status(GetStatus(request.service()));
    if (now.status() == told.status()) {
      const async::WaitList::Woken woken = co_await changed_.Wait(call.limit.deadline);
      if (woken == async::WaitList::Woken::kNotified) continue;
      co_return api::StreamEnd(call, false, clock_.Mono());
    }
    told = now;
    const bool written = co_await writer.Write(now);
    if (!written) co_return api::StreamEnd(call, writer.stalled(), clock_.Mono());
  }
}

}  // namespace hongyan::endpoints
