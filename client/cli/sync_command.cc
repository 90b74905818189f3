#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/read_call.h"
#include "client/cli/sync_report.h"
#include "hongyan_client/subscriber_import.h"

namespace hongyan::cli {
namespace {

constexpr Wording kSync = {"subscriber sync", "导入关注者"};

// Whether the same command later goes on where this one ended, rather than fail again.
bool GoesOn(const client::Error& error, bool begun) {
  return begun || error.reason == "QUOTA_EXHAUSTED";
}

}  // namespace

int RunSubscriberSync(client::Client& client, const GlobalArgs& global,
                      const SubscriberSyncArgs& args, Console& console, StopSignal& signal) {
  v1::SyncSubscribersRequest request;
  request.set_account(global.account);
  request.set_restart(args.restart);
  client::CallOptions options = ToOptions(global);
  options.canceller = &signal.canceller;
  SyncReport report(console, global.output);
  client::ImportHandlers handlers;
  handlers.on_progress = [&](const v1::SyncSubscribersResponse& progress) {
    report.Progress(progress, absl::Now());
  };
  handlers.on_break = [&](const absl::Status& why, absl::Duration pause) {
    report.Broke(why, pause);
  };
  const absl::Status status = client::ImportSubscribers(client, request, handlers, options);
  if (status.ok()) {
    report.Summary();
    return kExitOk;
  }
  report.Pause();
  if (signal.stop) {
    report.Stopped();
    return kExitFailed;
  }
  FailRead(status, kSync, global, console);
  if (GoesOn(client::Describe(status), report.begun())) report.Stopped();
  return kExitFailed;
}

}  // namespace hongyan::cli
