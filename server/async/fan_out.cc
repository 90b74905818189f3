#include "server/async/fan_out.h"

#include <algorithm>
#include <utility>

#include "server/async/task_group.h"

namespace hongyan::async {
namespace {

struct Progress {
  std::size_t next = 0;
  bool stopped = false;
};

Task<void> Worker(Progress& progress, std::size_t count,
                  const std::function<Task<void>(std::size_t)>& work) {
  while (!progress.stopped && progress.next < count) co_await work(progress.next++);
}

}  // namespace

Task<bool> FanOut(Executor executor, Clock& clock, std::size_t count, std::size_t width,
                  Patience patience, std::function<Task<void>(std::size_t)> work) {
  Progress progress;
  TaskGroup workers(executor, clock, width);
  for (std::size_t i = 0; i < std::min(count, width); ++i) {
    workers.Spawn(Worker(progress, count, work));
  }
  const bool all = co_await workers.Drain(MonoTime::max());
  if (all) co_return true;
  progress.stopped = true;
  // The workers refer to this frame: it stays until they have ended, cancelled or not.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const bool ended = co_await workers.Drain(patience());
  if (!ended) {
    workers.CancelAll();
    co_await workers.Drain(MonoTime::max());
  }
  co_return false;
}

}  // namespace hongyan::async
