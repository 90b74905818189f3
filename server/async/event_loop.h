// The one loop. Its thread owns every mutable object of the service; other threads only Post into
// it.
//
// Contract: Run() works until Stop().
// Threads:  Post() and Stop() any; the rest the loop's.
// Lifetime: outlives everything that runs on it.
#pragma once

#include <boost/asio/co_spawn.hpp>  // for those who start tasks on the loop
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
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

  // Runs `f` once everything that is ready now has had its turn, in one go with the others that
  // wait for that: for work that is cheaper done together, as waking another thread is. The loop's.
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

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> guard_;
  std::vector<absl::AnyInvocable<void()>> after_ready_;
};

}  // namespace hongyan::async
