#include <memory>

#include "absl/time/clock.h"
#include "client/cli/commands/commands.h"
#include "client/cli/session.h"
#include "client/cli/sync_report.h"
#include "hongyan_client/subscriber_import.h"

namespace hongyan::cli {
namespace {

// Whether the same command later goes on where this one ended, rather than fail again.
bool GoesOn(const client::Error& error, bool begun) {
  return begun || error.reason == "QUOTA_EXHAUSTED";
}

int SyncSubscribers(v1::SyncSubscribersRequest& request, Session& session) {
  request.set_account(session.global.account);
  SyncReport report(session.console, session.global.output);
  client::ImportHandlers handlers;
  handlers.on_progress = [&](const v1::SyncSubscribersResponse& progress) {
    report.Progress(progress, absl::Now());
  };
  handlers.on_break = [&](const absl::Status& why, absl::Duration pause) {
    report.Broke(why, pause);
  };
  const absl::Status status =
      client::ImportSubscribers(session.client, request, handlers, session.options());
  if (status.ok()) {
    report.Summary();
    return kExitOk;
  }
  report.Pause();
  if (session.signal.stop) {
    report.Stopped();
    return kExitFailed;
  }
  session.Fail({"subscriber sync", "导入关注者"}, status);
  if (GoesOn(client::Describe(status), report.begun())) report.Stopped();
  return kExitFailed;
}

}  // namespace

void AddSubscriberSync(Command& subscriber) {
  const auto request = std::make_shared<v1::SyncSubscribersRequest>();
  Command sync = subscriber.AddCommand(
      "sync", {"Import all followers from WeChat into the service", "从微信导入全部关注者"});
  sync.SetFooter(
      {R"(Broken connections are resumed. What was imported stays when the import stops half way, for
example because the day's quota is used up: the same command goes on from there.)",
       "连接中断时自动继续。导入中途停止时（例如当日额度用完），已导入的内容会保留，再次执行同一命"
       "令"
       "即可继续。"});
  sync.AddFlag(
      "--restart", [request] { request->set_restart(true); },
      {"Begin anew instead of going on with a stopped import", "重新开始，而不是继续中断的导入"});
  // An import is worth its while without a reader.
  sync.OnRun({.run = [request](Session& session) { return SyncSubscribers(*request, session); },
              .on_signal = OnSignal::kCancel,
              .keeps_alive = true});
}

}  // namespace hongyan::cli
