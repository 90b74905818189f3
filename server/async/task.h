// Task<T>: the only coroutine type above async/.
//
// Contract: a task runs on the event loop, is awaited exactly once, and ends with a value; ours
//           never throw. Cancellation is by value: the awaited operation ends early and says so;
//           Cancelled() tells.
// Threads:  event loop only.
// Lifetime: parameters by value, or references whose owner outlives the task. A capturing lambda is
//           never a coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace hongyan::async {

namespace asio = boost::asio;

// The concrete executor of the one loop: no type erasure on the hot path.
using Executor = asio::io_context::executor_type;

template <typename T>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task;

// Points on the monotonic clock. Deadlines are these, taken once and passed down.
using MonoTime = std::chrono::steady_clock::time_point;

// Whether the task that asks was cancelled.
inline Task<bool> Cancelled() {
  co_return (co_await asio::this_coro::cancellation_state).cancelled() !=
      asio::cancellation_type::none;
}

}  // namespace hongyan::async
