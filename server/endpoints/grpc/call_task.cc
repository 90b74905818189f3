#include "server/endpoints/grpc/call_task.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "server/base/log.h"
#include "server/base/status.h"

namespace hongyan::endpoints {
namespace {

async::Task<absl::Status> ByValue(async::Task<absl::Status> work) {
  co_await async::asio::this_coro::throw_if_cancelled(false);
  co_return co_await std::move(work);
}

absl::Status Thrown(const CallInfo& info) {
  base::Log(base::Level::kError, "handler ended by an exception",
            {{"method", info.method}, {"request_id", info.request_id}});
  return base::ErrorBuilder(absl::StatusCode::kInternal, base::Reason::kInternal,
                            "internal error; the log has more under this request id")
      .Chinese("内部错误，可按请求编号查看日志");
}

absl::Status AsTold(const CallEnvironment& environment, const CallInfo& info, absl::Status status) {
  if (environment.cut_off && absl::IsCancelled(status)) return ShuttingDown();
  const bool callers = info.limit.set_by_caller && environment.clock.Mono() >= info.limit.deadline;
  if (callers || !absl::IsDeadlineExceeded(status) ||
      base::ReasonOf(status) != base::ReasonName(base::Reason::kStorageUnavailable)) {
    return status;
  }
  absl::Status told = base::ErrorBuilder(absl::StatusCode::kUnavailable,
                                         base::Reason::kStorageUnavailable, status.message())
                          .RetryAfter(absl::Seconds(1))
                          .Chinese("存储响应过慢，请稍后重试");
  const std::string account = base::MetadataOf(status, "account");
  return account.empty() ? told : base::Annotate(std::move(told), "account", account);
}

}  // namespace

grpc::Status Malformed(CallEnvironment& environment, const CallInfo& info) {
  constexpr char kWhat[] =
      "the request is no protobuf message of this method, or a string in it is not UTF-8";
  CallEnded(environment, info, absl::InternalError(kWhat));
  return grpc::Status(grpc::StatusCode::INTERNAL, kWhat);
}

void RunCall(CallEnvironment& environment, const CallInfo& info, async::Task<absl::Status> work,
             async::asio::cancellation_signal& cancel,
             absl::AnyInvocable<void(absl::Status)> ended) {
  if (environment.cut_off) {
    ended(ShuttingDown());  // nothing has begun
    return;
  }
  environment.running.insert(&cancel);
  async::asio::co_spawn(
      environment.loop.executor(), ByValue(std::move(work)),
      async::asio::bind_cancellation_slot(
          cancel.slot(), [&environment, &info, &cancel, ended = std::move(ended)](
                             std::exception_ptr e, absl::Status status) mutable {
            environment.running.erase(&cancel);
            ended(e ? Thrown(info) : AsTold(environment, info, std::move(status)));
          }));
}

}  // namespace hongyan::endpoints
