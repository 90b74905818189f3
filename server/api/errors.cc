#include "server/api/errors.h"

#include "absl/time/time.h"
#include "server/base/status.h"

namespace hongyan::api {

using base::ErrorBuilder;
using base::Reason;

absl::Status Overloaded(absl::string_view what, absl::string_view chinese) {
  return ErrorBuilder(absl::StatusCode::kResourceExhausted, Reason::kOverloaded, what)
      .RetryAfter(absl::Seconds(1))
      .Chinese(chinese);
}

absl::Status TooManyInFlight() {
  return Overloaded("too many calls are in flight here; nothing was sent, try again in a second",
                    "进行中的调用过多，什么也没有发送，请一秒后重试");
}

absl::Status ShuttingDown() {
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kShuttingDown,
                      "the server is shutting down; go on at another one, or here in a moment")
      .RetryAfter(absl::Seconds(1))
      .Chinese("服务正在关闭，请改连其他实例，或稍后再连");
}

absl::Status ReaderTooSlow() {
  return Overloaded("the reader took nothing for too long and was cut off; go on where it stopped",
                    "读者太久没有读取，已被断开，请从停下的地方继续");
}

absl::Status StreamAged() {
  return ErrorBuilder(absl::StatusCode::kUnavailable, Reason::kStreamAged,
                      "a stream lasts a day at most; go on where it stopped")
      .RetryAfter(absl::ZeroDuration())
      .Chinese("一个流最多持续一天，请从停下的地方继续");
}

absl::Status CallerGone() {
  return ErrorBuilder(absl::StatusCode::kCancelled, Reason::kCancelled, "the caller went away")
      .Chinese("调用方已离开");
}

absl::Status InternalError() {
  return ErrorBuilder(absl::StatusCode::kInternal, Reason::kInternal,
                      "internal error; the log has more under this request id")
      .Chinese("内部错误，可按请求编号查看日志");
}

absl::Status NotImplemented(absl::string_view what, absl::string_view chinese) {
  return ErrorBuilder(absl::StatusCode::kUnimplemented, Reason::kNotImplemented, what)
      .Chinese(chinese);
}

}  // namespace hongyan::api
