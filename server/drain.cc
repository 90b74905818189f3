#include "server/drain.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "server/base/log.h"
#include "server/core/handler_calls.h"

namespace hongyan {
namespace {

constexpr absl::Duration kLastAnswers = absl::Milliseconds(500);
constexpr absl::Duration kPoll = absl::Milliseconds(20);
constexpr absl::Duration kHangUpEvery = absl::Milliseconds(200);
// gRPC's own cut comes behind ours, on a busy machine too.
constexpr absl::Duration kCutOffLater = absl::Milliseconds(250);
constexpr absl::Duration kAdminLimit = absl::Milliseconds(200);
constexpr absl::Duration kBackgroundLimit = absl::Seconds(1);

std::vector<core::HandlerCalls*> ListHandlers(core::Accounts& accounts) {
  std::vector<core::HandlerCalls*> handlers;
  for (core::Account& account : accounts.all()) {
    if (account.handler) handlers.push_back(account.handler.get());
  }
  return handlers;
}

}  // namespace

bool Drain::Run() {
  auto pushes_ended = std::make_shared<std::promise<void>>();
  parts_.loop.Post([this, pushes_ended] {
    const async::MonoTime now = parts_.clock.Mono();
    parts_.router.BeginStop(async::After(now, grace_ + kLastAnswers));
    // Without a place among the background's tasks calls have no grace, but still their last words.
    if (!parts_.background.Spawn(EndCalls())) {
      parts_.router.CancelAll(async::After(now, kLastAnswers), async::After(now, kLastAnswers));
    }
    parts_.callback.StopListening();
    if (!parts_.background.Spawn(EndPushes(pushes_ended))) pushes_ended->set_value();
  });
  parts_.grpc.Shutdown(grace_ + kLastAnswers + kCutOffLater);
  pushes_ended->get_future().wait();
  parts_.loop.Post([this] {
    async::asio::co_spawn(parts_.loop.executor(), EndBackground(), [this](std::exception_ptr e) {
      if (!e) return;
      base::Log(base::Level::kError, "stopping failed; ending all the same");
      parts_.loop.Stop();
    });
  });
  parts_.thread.join();
  return !gave_up_;
}

async::Task<bool> Drain::AwaitNoCall(async::MonoTime until) {
  const auto alarm = parts_.clock.NewAlarm();
  while (parts_.router.open() > 0 && parts_.clock.Mono() < until) {
    const async::MonoTime next = std::min(until, async::After(parts_.clock.Mono(), kPoll));
    const bool time_came = co_await alarm->WaitUntil(next);
    if (!time_came) break;
  }
  co_return parts_.router.open() == 0;
}

async::Task<void> Drain::EndCalls() {
  const async::MonoTime grace_end = async::After(parts_.clock.Mono(), grace_);
  const auto alarm = parts_.clock.NewAlarm();
  // A call may still begin until gRPC refuses new ones, so it takes a while without any before the
  // connections are closed.
  bool quiet = co_await AwaitNoCall(grace_end);
  while (quiet) {
    const async::MonoTime next = async::After(parts_.clock.Mono(), kHangUpEvery);
    const bool time_came = co_await alarm->WaitUntil(std::min(next, grace_end));
    if (!time_came) co_return;
    if (parts_.clock.Mono() >= grace_end) break;
    if (parts_.router.open() == 0) parts_.grpc.HangUp();
    quiet = co_await AwaitNoCall(grace_end);
  }
  // Before gRPC would cut them off: cut off, a caller can't know what became of its message. A
  // batch gives its items half of the time that is left, and its reader half of the rest; then it
  // says its last word.
  parts_.router.CancelAll(async::After(parts_.clock.Mono(), kLastAnswers / 2),
                          async::After(parts_.clock.Mono(), kLastAnswers * 3 / 4));
  co_await AwaitNoCall(async::After(parts_.clock.Mono(), kLastAnswers));
  const bool time_came = co_await alarm->WaitUntil(async::After(parts_.clock.Mono(), kHangUpEvery));
  if (time_came) parts_.grpc.HangUp();
}

async::Task<void> Drain::EndPushes(std::shared_ptr<std::promise<void>> done) {
  async::MonoTime until = async::After(parts_.clock.Mono(), grace_);
  const bool answered = co_await parts_.callback.Finish(until);
  if (!answered) {
    // They are recorded: WeChat hears `success` though no handler has replied.
    for (core::HandlerCalls* handler : ListHandlers(parts_.accounts)) handler->ReleasePushes();
    until = async::After(until, kLastAnswers);
  }
  co_await parts_.callback.Drain(until);
  // Late answers are still on their way, from handlers and to users.
  co_await core::DrainHandlers(ListHandlers(parts_.accounts), until, parts_.loop.executor(),
                               parts_.clock);
  done->set_value();
}

async::Task<void> Drain::EndBackground() {
  co_await parts_.admin.Drain(async::After(parts_.clock.Mono(), kAdminLimit));
  parts_.background.CancelAll();
  const bool ended =
      co_await parts_.background.Drain(async::After(parts_.clock.Mono(), kBackgroundLimit));
  parts_.http.Close();
  if (ended) {
    parts_.loop.ReleaseWork();
  } else {
    gave_up_ = true;
    base::Log(base::Level::kWarn, "stopping: background tasks don't end and are given up");
    parts_.loop.Stop();
  }
}

}  // namespace hongyan
