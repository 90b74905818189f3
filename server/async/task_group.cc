#include "server/async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <exception>
#include <utility>

#include "server/base/log.h"

namespace hongyan::async {
namespace {

Task<void> ByValue(Task<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  // co_spawn begins at once when the loop's thread calls it, in the middle of whoever spawns.
  co_await asio::post(use_task);
  co_await std::move(task);
}

}  // namespace

TaskGroup::~TaskGroup() { assert(running_.empty()); }

bool TaskGroup::Spawn(Task<void> task) {
  if (running_.size() >= max_) return false;
  const auto it = running_.emplace(running_.end());
  asio::co_spawn(executor_, ByValue(std::move(task)),
                 asio::bind_cancellation_slot(it->signal.slot(), [this, it](std::exception_ptr e) {
                   if (e) base::Log(base::Level::kError, "task ended by an exception");
                   running_.erase(it);
                   if (running_.empty()) idle_.NotifyAll();
                 }));
  return true;
}

void TaskGroup::CancelAll() {
  // A cancelled task may end at once and take its entry with it.
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    it->signal.emit(asio::cancellation_type::terminal);
    it = next;
  }
}

Task<bool> TaskGroup::Drain(MonoTime until) {
  WaitList::Woken woken = WaitList::Woken::kNotified;
  while (!running_.empty() && woken == WaitList::Woken::kNotified) {
    woken = co_await idle_.Wait(until);
  }
  co_return running_.empty();
}

}  // namespace hongyan::async
