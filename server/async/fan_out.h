// Many pieces of work beside each other, a few at a time, inside one task.
//
// Contract: calls `work(i)` for each i below `count`, at most `width` of them at once, and ends
//           when all that were begun have ended. When the task is cancelled nothing more is begun,
//           and what goes on may do so until the moment that `patience` then says; it is cancelled
//           if it hasn't ended by then. True when all was done. False: cancelled. The task can't be
//           cancelled once more after that, so it must end by itself.
// Threads:  event loop only.       Lifetime: what `work` refers to outlives the call.
#pragma once

#include <cstddef>
#include <functional>

#include "server/async/clock.h"
#include "server/async/task.h"

namespace hongyan::async {

using Patience = std::function<MonoTime()>;
// Cancels what goes on at once.
inline MonoTime NoPatience() { return MonoTime{}; }

Task<bool> FanOut(Executor executor, Clock& clock, std::size_t count, std::size_t width,
                  Patience patience, std::function<Task<void>(std::size_t)> work);

}  // namespace hongyan::async
