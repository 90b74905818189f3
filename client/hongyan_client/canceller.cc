#include "hongyan_client/canceller.h"

#include <grpcpp/client_context.h>

namespace hongyan::client {

void Canceller::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
  changed_.notify_all();
}

bool Canceller::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

void Canceller::Attach(grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  context_ = context;
  if (cancelled_) context_->TryCancel();
}

void Canceller::Detach() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
}

void Canceller::WaitFor(absl::Duration delay) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(delay), [this] { return cancelled_; });
}

}  // namespace hongyan::client
