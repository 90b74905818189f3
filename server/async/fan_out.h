// Many pieces of work beside each other, a few at a time, inside one task.
//
// Contract: calls `work(i)` for each i below `count`, at most `width` of them at once, and ends when all that were
//           begun have ended. When the task is cancelled nothing more is begun; what goes on is cancelled too, or
//           left to finish, as `on_cancel` says. True when all was done.
// Threads:  event loop only.       Lifetime: what `work` refers to outlives the call.
#pragma once

#include <cstddef>
#include <functional>

#include "server/async/clock.h"
#include "server/async/task.h"

namespace hongyan::async {

enum class OnCancel { kCancelBegun, kFinishBegun };

Task<bool> FanOut(Executor executor, Clock& clock, std::size_t count, std::size_t width,
                  OnCancel on_cancel, std::function<Task<void>(std::size_t)> work);

}  // namespace hongyan::async
