// Ends calls from another thread.
//
// Contract: after Cancel() every call that was given this object ends soon with CANCELLED, and so
//           does every later one. A send that was underway may have gone out.
// Threads:  any.
// Lifetime: outlives the calls that it was given to.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "absl/time/time.h"

namespace grpc {
class ClientContext;
}

namespace hongyan::client {

class Canceller {
 public:
  void Cancel();
  bool cancelled() const;
  // Waits; returns early when cancelled.
  void WaitFor(absl::Duration delay);

 private:
  friend class Client;
  // Between these Cancel() ends `context`'s call. Attach after Cancel() ends it at once.
  void Attach(grpc::ClientContext* context);
  void Detach(grpc::ClientContext* context);

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool cancelled_ = false;
  std::vector<grpc::ClientContext*> contexts_;
};

}  // namespace hongyan::client
