#include "server/endpoints/grpc/call_info.h"

#include <grpc/support/time.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/id.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/base/text.h"

namespace hongyan::endpoints {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr std::size_t kMaxRequestId = 128;
constexpr std::size_t kMaxTraceparent = 128;
// An answer must be back before the caller's own clock gives up, or its details are lost. And gRPC rounds a deadline up
// by up to a hundredth on its way to us.
constexpr absl::Duration kWayBack = absl::Milliseconds(20);
constexpr int kRounding = 100;
// How long a caller may want to wait.
constexpr absl::Duration kLongestWait = absl::Minutes(10);
// From here on it is none: gRPC makes a time in the far future of a grpc-timeout that it can't read.
constexpr absl::Duration kNoDeadline = absl::Hours(24);

std::string Metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto it = context.client_metadata().find(key);
  if (it == context.client_metadata().end()) return "";
  return std::string(it->second.data(), it->second.size());
}

bool IsPlain(const std::string& value, std::size_t max) {
  return !value.empty() && value.size() <= max && base::IsVisibleAscii(value);
}

}  // namespace

void CallEnvironment::CancelAll() {
  cut_off = true;
  const auto all = running;
  for (async::asio::cancellation_signal* signal : all) {
    // Another one's end may have ended it.
    if (running.contains(signal)) signal->emit(async::asio::cancellation_type::terminal);
  }
}

std::shared_ptr<UnreadAnswer> CallEnvironment::WatchAnswer(grpc::CallbackServerContext& context) {
  auto answer = std::make_shared<UnreadAnswer>(context);
  unread.Add(answer, async::After(clock.Mono(), answer_limit));
  return answer;
}

bool InFlight::Take() {
  if (count_.fetch_add(1, std::memory_order_relaxed) >= max_) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  metrics_.InFlight(1);
  return true;
}

void InFlight::GiveBack() {
  count_.fetch_sub(1, std::memory_order_relaxed);
  metrics_.InFlight(-1);
}

CallInfo ReadCall(const grpc::CallbackServerContext& context, const char* service,
                  const char* method, async::MonoTime now, absl::Duration ceiling) {
  CallInfo info;
  info.service = service;
  info.method = method;
  info.begun = now;
  info.request_id = Metadata(context, kRequestId);
  if (!IsPlain(info.request_id, kMaxRequestId)) info.request_id = base::RandomHex128();
  info.traceparent = Metadata(context, "traceparent");
  if (!IsPlain(info.traceparent, kMaxTraceparent)) info.traceparent.clear();

  info.limit = {async::After(now, ceiling), false};
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  const absl::Duration until = absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  if (until >= kNoDeadline) return info;
  const absl::Duration longest = std::max(ceiling, kLongestWait);
  if (until >= longest) {
    info.limit = {async::After(now, longest), false};
    return info;
  }
  const absl::Duration way_back =
      std::clamp(until / 10, absl::ZeroDuration(), std::max(kWayBack, until / kRounding));
  info.limit = {async::After(now, until - way_back), true};
  return info;
}

void WriteInitialMetadata(grpc::CallbackServerContext& context, const CallInfo& info) {
  context.AddInitialMetadata(kRequestId, info.request_id);
}

void WriteTrailers(grpc::CallbackServerContext& context, const CallInfo& info,
                   const absl::Status& status) {
  if (status.ok()) return;
  context.AddTrailingMetadata(kRequestId, info.request_id);
  if (base::ReasonOf(status) == base::ReasonName(base::Reason::kOutcomeUnknown)) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
  } else if (const auto delay = base::RetryDelayOf(status)) {
    context.AddTrailingMetadata("grpc-retry-pushback-ms",
                                absl::StrCat(absl::ToInt64Milliseconds(*delay)));
  }
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      base::SerializeRpcStatus(status));
}

void CallEnded(CallEnvironment& environment, const CallInfo& info, const absl::Status& status) {
  const absl::Duration took = async::Between(info.begun, environment.clock.Mono());
  environment.metrics.RpcHandled(info.service, info.method, status.code(), took);
  // A caller's mistakes and his leaving are no trouble of ours.
  const bool ordinary = status.ok() || absl::IsInvalidArgument(status) || absl::IsCancelled(status);
  const auto level = ordinary ? base::Level::kInfo : base::Level::kWarn;
  if (!base::LogEnabled(level)) return;
  base::Log(level, "rpc",
            {{"method", info.method},
             {"code", base::CodeName(status.code())},
             {"reason", status.ok() ? std::string() : base::ReasonOf(status)},
             {"problem", status.ok() ? absl::string_view() : status.message()},
             {"account", info.account},
             {"delivery", info.delivery},
             {"request_id", info.request_id},
             {"traceparent", info.traceparent},
             {"took_us", absl::ToInt64Microseconds(took)}});
}

absl::Status Overloaded(absl::string_view what, absl::string_view chinese) {
  return base::ErrorBuilder(absl::StatusCode::kResourceExhausted, base::Reason::kOverloaded, what)
      .RetryAfter(absl::Seconds(1))
      .Chinese(chinese);
}

absl::Status TooManyInFlight() {
  return Overloaded("too many calls are in flight here; nothing was sent, try again in a second",
                    "进行中的调用过多，什么也没有发送，请一秒后重试");
}

absl::Status ShuttingDown() {
  return base::ErrorBuilder(absl::StatusCode::kUnavailable, base::Reason::kShuttingDown,
                            "the server is shutting down; go on at another one, or here in a "
                            "moment")
      .RetryAfter(absl::Seconds(1))
      .Chinese("服务正在关闭，请改连其他实例，或稍后再连");
}

absl::Status StreamAged() {
  return base::ErrorBuilder(absl::StatusCode::kUnavailable, base::Reason::kStreamAged,
                            "a stream lasts a day at most; go on where it stopped")
      .RetryAfter(absl::ZeroDuration())
      .Chinese("一个流最多持续一天，请从停下的地方继续");
}

absl::Status TooSlow() {
  return Overloaded("the reader took nothing for too long and was cut off; go on where it stopped",
                    "读者太久没有读取，已被断开，请从停下的地方继续");
}

}  // namespace hongyan::endpoints
