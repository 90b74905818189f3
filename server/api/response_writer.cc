#include "server/api/response_writer.h"

#include "server/api/errors.h"
#include "server/base/status.h"

namespace hongyan::api {

absl::Status StreamEnd(const Call& call, bool stalled, async::MonoTime now) {
  if (stalled) return ReaderTooSlow();
  if (now < call.limit.deadline) return CallerGone();
  if (!call.limit.set_by_caller) return StreamAged();
  return base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded, base::Reason::kDeadlineTooShort,
                            "the caller's deadline has come; resume with the last cursor")
      .Chinese("已到调用方的截止时间，请用最后的 cursor 继续");
}

}  // namespace hongyan::api
