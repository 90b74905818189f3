// Runs a task on the test's own thread.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "server/async/event_loop.h"
#include "server/async/task.h"

namespace hongyan::support {

// Runs `loop` until `task` has ended, and returns its value or throws what it threw.
template <typename T>
T RunUntilDone(async::EventLoop& loop, async::Task<T> task) {
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
  std::exception_ptr failure;
  bool done = false;
  if constexpr (std::is_void_v<T>) {
    boost::asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e) {
      failure = e;
      done = true;
    });
  } else {
    boost::asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e, T value) {
      failure = e;
      if (!e) result.emplace(std::move(value));
      done = true;
    });
  }
  loop.context().restart();
  while (!done) loop.context().run_one();
  if (failure) std::rethrow_exception(failure);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace hongyan::support
