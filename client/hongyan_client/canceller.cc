#include "hongyan_client/canceller.h"

#include <grpcpp/client_context.h>

namespace hongyan::client {

void Canceller::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

bool Canceller::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

void Canceller::Attach(grpc::ClientContext* context) {
  absl::MutexLock lock(&mutex_);
  context_ = context;
  if (cancelled_) context_->TryCancel();
}

void Canceller::Detach() {
  absl::MutexLock lock(&mutex_);
  context_ = nullptr;
}

void Canceller::WaitFor(absl::Duration delay) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&cancelled_), delay);
}

}  // namespace hongyan::client
