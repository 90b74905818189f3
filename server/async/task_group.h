// A bounded set of tasks that run beside each other, owned by whoever outlives them.
//
// Contract: Spawn starts a task at the loop's next turn. A task that throws is logged and counts as
//           ended.
// Bounds:   at most `max` at once; Spawn refuses one more.
// Threads:  event loop only.
// Lifetime: all tasks have ended (Drain) before the group is destroyed.
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "server/async/task.h"
#include "server/async/wait_list.h"

namespace hongyan::async {

class TaskGroup {
 public:
  TaskGroup(Executor executor, Clock& clock, std::size_t max)
      : executor_(executor), idle_(clock), max_(max) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // False when full; the task is then dropped without having begun.
  bool Spawn(Task<void> task);
  // Asks every task to end: what each awaits ends early.
  void CancelAll();
  // Waits until no task is left, or until `until`. True when none is left.
  Task<bool> Drain(MonoTime until);
  std::size_t size() const { return running_.size(); }

 private:
  struct Running {
    asio::cancellation_signal signal;
  };
  Executor executor_;
  WaitList idle_;
  std::size_t max_;
  std::list<Running> running_;
};

}  // namespace hongyan::async
