#include "hongyan_client/subscriber_import.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/clock.h"
#include "hongyan_client/resumption.h"

namespace hongyan::client {

absl::Status ImportSubscribers(Client& client, v1::SyncSubscribersRequest request,
                               const ImportHandlers& handlers, const CallOptions& options) {
  Canceller never;
  CallOptions each = options;
  if (each.canceller == nullptr) each.canceller = &never;
  if (each.timeout == absl::ZeroDuration()) each.timeout = kSyncTimeout;
  const absl::Time deadline = absl::Now() + each.timeout;
  Resumption resumption(kMaxImportBreaks);
  // What is listed and what is fetched; -1: nothing was told yet.
  std::int64_t furthest = -1;
  const auto on_progress = [&](const v1::SyncSubscribersResponse& progress) {
    request.set_restart(false);
    const std::int64_t done = progress.listed() + progress.fetched();
    if (done > furthest) resumption.Progressed();
    furthest = std::max(furthest, done);
    handlers.on_progress(progress);
  };
  while (true) {
    const v1::SyncSubscribersRequest from = request;
    absl::Status status = client.SyncSubscribers(from, on_progress, each);
    if (status.ok() || each.canceller->cancelled()) return status;
    const Error error = Describe(status);
    const bool passes = error.reason.empty() || error.reason == "OVERLOADED" ||
                        error.reason == "SHUTTING_DOWN" || error.reason == "STREAM_AGED";
    if (!passes) return status;
    const std::optional<absl::Duration> pause = resumption.PauseAfter(error);
    if (!pause.has_value() || absl::Now() + *pause >= deadline) return status;
    if (handlers.on_break) handlers.on_break(status, *pause);
    each.canceller->WaitFor(*pause);
    if (each.canceller->cancelled()) return status;
    each.timeout = deadline - absl::Now();
    if (each.timeout <= absl::ZeroDuration()) return status;
  }
}

}  // namespace hongyan::client
