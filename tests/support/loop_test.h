// The fixture of all tests with a loop: everything runs on the test's own thread, and time is the
// test's.
//
// Contract: Start() begins a task and returns a handle that tells whether it has ended and can
//           cancel it. Await() runs a task to its end and lets time pass while it waits.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"
#include "tests/support/fake_clock.h"

namespace hongyan::support {

template <typename T>
async::Task<T> ByValue(async::Task<T> task) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  co_return co_await std::move(task);
}

// A task that was begun. Cancelled and run to its end when the handle goes.
template <typename T>
class Started {
 public:
  Started(async::EventLoop& loop, FakeClock& clock, async::Task<T> task) : clock_(&clock) {
    boost::asio::co_spawn(
        loop.context(), ByValue(std::move(task)),
        boost::asio::bind_cancellation_slot(state_->signal.slot(),
                                            [state = state_](std::exception_ptr e, T value) {
                                              if (e) ADD_FAILURE() << "the task threw";
                                              state->value.emplace(std::move(value));
                                            }));
    clock.Settle();
  }
  Started(Started&&) noexcept = default;
  ~Started() {
    if (state_ && !done()) Cancel();
  }

  bool done() const { return state_->value.has_value(); }
  // What it ended with. A test that asks too early fails.
  T value() const {
    if (!done()) {
      ADD_FAILURE() << "the task has not ended";
      return T{};
    }
    return *state_->value;
  }
  void Cancel() {
    state_->signal.emit(boost::asio::cancellation_type::terminal);
    clock_->Settle();
  }

 private:
  struct State {
    boost::asio::cancellation_signal signal;
    std::optional<T> value;
  };
  FakeClock* clock_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class LoopTest : public ::testing::Test {
 protected:
  template <typename T>
  Started<T> Start(async::Task<T> task) {
    return Started<T>(loop_, clock_, std::move(task));
  }

  template <typename T>
  T Await(async::Task<T> task) {
    Started<T> started = Start(std::move(task));
    for (int steps = 0; !started.done() && steps < 100000; ++steps) {
      if (!clock_.AdvanceToNextAlarm()) break;
    }
    return started.value();
  }

  async::MonoTime In(absl::Duration delay) const { return async::After(clock_.Mono(), delay); }

  async::EventLoop loop_;
  FakeClock clock_{loop_};
};

}  // namespace hongyan::support
