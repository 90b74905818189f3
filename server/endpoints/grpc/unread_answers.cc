#include "server/endpoints/grpc/unread_answers.h"

#include <algorithm>
#include <utility>

namespace hongyan::endpoints {

void UnreadAnswer::Done() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
}

// Under the lock: until Done() gRPC keeps the context. It ends the call on threads of its own, not in here.
void UnreadAnswer::Cancel() {
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

bool UnreadAnswer::done() const {
  const std::lock_guard lock(mutex_);
  return context_ == nullptr;
}

void UnreadAnswers::Add(std::shared_ptr<UnreadAnswer> answer, async::MonoTime until) {
  entries_.push_back({std::move(answer), until});
  if (entries_.size() < next_sweep_) return;
  const auto done = [](const Entry& entry) { return entry.answer->done(); };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), done), entries_.end());
  next_sweep_ = std::max<std::size_t>(1000, 2 * entries_.size());
}

void UnreadAnswers::CancelOld(async::MonoTime now) {
  while (!entries_.empty() && entries_.front().until <= now) {
    entries_.front().answer->Cancel();
    entries_.pop_front();
  }
}

}  // namespace hongyan::endpoints
