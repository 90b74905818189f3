#include "hongyan_client/canceller.h"

#include <grpcpp/client_context.h>

#include <algorithm>

namespace hongyan::client {

void Canceller::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : contexts_) context->TryCancel();
  changed_.notify_all();
}

bool Canceller::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

void Canceller::Attach(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  contexts_.push_back(context);
  if (cancelled_) context->TryCancel();
}

void Canceller::Detach(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  contexts_.erase(std::find(contexts_.begin(), contexts_.end(), context));
}

void Canceller::WaitFor(absl::Duration delay) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(delay), [this] { return cancelled_; });
}

}  // namespace hongyan::client
