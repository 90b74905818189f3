// Waits for something that another thread ends: a library's own threads, say.
//
// Contract: UntilDone() calls `start(done)` at once; once `done` was called, exactly once and from
//           any thread, the waiting task goes on, on the loop. When the task is cancelled meanwhile
//           `cancel` is called, on the loop, and the wait still lasts until `done`: nothing that
//           was started is left behind. The loop doesn't end before.
// Threads:  event loop only, but for `done`.
// Use:      give `start` and `cancel` names and move them in: what a temporary captures in a
//           co_await expression is destroyed twice by GCC 12.
// Lifetime: what `start` and `cancel` refer to outlives the call; `cancel` may come after `done`,
//           never after the wait.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "server/async/task.h"

namespace hongyan::async {

using Done = std::function<void()>;

inline Task<void> UntilDone(Executor executor, std::function<void(Done)> start,
                            std::function<void()> cancel) {
  const bool cancelled = co_await Cancelled();
  if (cancelled) {
    // No signal will come any more.
    start = [begin = std::move(start), cancel](Done done) {
      begin(std::move(done));
      cancel();
    };
  }
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [](auto handler, Executor on, std::function<void(Done)> begin, std::function<void()> end) {
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
          slot.assign([end = std::move(end)](asio::cancellation_type) { end(); });
        }
        const auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        begin([waiting, on, work = asio::make_work_guard(on)] {
          asio::post(on, [waiting] { std::move (*waiting)(); });
        });
      },
      use_task, executor, std::move(start), std::move(cancel));
}

}  // namespace hongyan::async
