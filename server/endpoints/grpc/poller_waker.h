// Keeps one of gRPC's polling threads awake while nobody calls.
//
// gRPC 1.51 polls for its callback API with a few threads. Each of them sleeps 100 ms after a second without an event,
// and while all of them sleep nothing is read: the first call after a pause was taken up to 100 ms late, and with a short
// deadline its caller heard DEADLINE_EXCEEDED without details.
//
// Contract: Run() starts a call every `interval` that ends at once without touching the network; its end is the event
//           that a polling thread needs to stay awake.
// Threads:  event loop only.
// Lifetime: Stop() or a cancellation ends Run(), which ends before this object does; a call that is still open then
//           ends by itself.
// Source:   CallbackAlternativeCQ in gRPC 1.51.1, src/cpp/common/completion_queue_cc.cc
#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"

namespace hongyan::endpoints {

class PollerWaker {
 public:
  explicit PollerWaker(async::Clock& clock, absl::Duration interval = absl::Milliseconds(400));
  PollerWaker(const PollerWaker&) = delete;
  PollerWaker& operator=(const PollerWaker&) = delete;
  ~PollerWaker();

  async::Task<void> Run();
  void Stop();

  std::int64_t begun() const { return begun_; }
  // Any thread.
  std::int64_t ended() const { return *ended_; }

 private:
  struct Call;

  async::Clock& clock_;
  const absl::Duration interval_;
  const std::unique_ptr<async::Alarm> pause_;
  ::grpc::GenericStub stub_;
  const std::shared_ptr<std::atomic<std::int64_t>> ended_;
  std::int64_t begun_ = 0;
  bool stopped_ = false;
};

}  // namespace hongyan::endpoints
