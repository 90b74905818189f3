// The one loop. Its thread owns every mutable object of the service; other threads only Post into it.
//
// Contract: Run() works until Stop(); on a test's own thread RunUntilDone(task) does one task to its end.
// Threads:  Post() and Stop() any; the rest the loop's.
// Lifetime: outlives everything that runs on it.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "server/async/task.h"

namespace hongyan::async {

class EventLoop {
 public:
  EventLoop() : context_(1), guard_(asio::make_work_guard(context_)) {}
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Executor executor() { return context_.get_executor(); }
  asio::io_context& context() { return context_; }

  template <typename F>
  void Post(F&& f) {
    asio::post(context_, std::forward<F>(f));
  }

  // Runs `f` once everything that is ready now has had its turn, in one go with the others that wait for that: for work
  // that is cheaper done together, as waking another thread is. The loop's.
  void AfterReady(absl::AnyInvocable<void()> f) {
    after_ready_.push_back(std::move(f));
    if (after_ready_.size() > 1) return;
    Post([this] {
      for (auto& due : std::exchange(after_ready_, {})) due();
    });
  }

  void Run() { context_.run(); }
  // Ends Run() after what is being worked on now.
  void Stop() { context_.stop(); }
  // Lets Run() end by itself once nothing is left to do.
  void ReleaseWork() { guard_.reset(); }

  // Runs `task` to its end on this thread and returns its value. For tests and for start-up.
  template <typename T>
  T RunUntilDone(Task<T> task) {
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
    std::exception_ptr failure;
    bool done = false;
    if constexpr (std::is_void_v<T>) {
      asio::co_spawn(context_, std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
      });
    } else {
      asio::co_spawn(context_, std::move(task), [&](std::exception_ptr e, T value) {
        failure = e;
        if (!e) result.emplace(std::move(value));
        done = true;
      });
    }
    context_.restart();
    while (!done) context_.run_one();
    if (failure) std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> guard_;
  std::vector<absl::AnyInvocable<void()>> after_ready_;
};

}  // namespace hongyan::async
