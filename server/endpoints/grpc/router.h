// The gRPC face of the API: takes calls from gRPC's completion queue to the functions of the method
// tables and back.
//
// Contract: a call has its place, or is refused, before anything of it is parsed; its function runs
//           as a task on the event loop; its answer leaves once. A caller that leaves or whose
//           deadline passes cancels the task. A place in flight is given back when gRPC has done
//           with the call: the task has ended, which is later than the end of the stream when a
//           caller goes away, and the answer is out, so that a caller who doesn't read can't have
//           more answers than that waiting in memory. A ready answer that nobody takes is cancelled
//           after RouterOptions::answer_limit.
// Errors:   a method that no table has is UNIMPLEMENTED. What is no message of its method is
//           INTERNAL without details, as protobuf's other implementations say it. A function's
//           CANCELLED becomes SHUTTING_DOWN where the stop cancelled it; a storage that was too
//           slow for a limit of ours, not the caller's deadline, is UNAVAILABLE; an exception is
//           INTERNAL and logged. Each error of a call that names an account names it.
// Threads:  AddTo(), Start() and Stop() on main; a thread of its own waits for gRPC's events;
//           open() on any; the rest on the event loop.
// Lifetime: what it is given outlives it, and so does the server that it was added to, until
//           Stop().
#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "server/api/method_table.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"

namespace hongyan::endpoints {

struct RouterOptions {
  int max_in_flight = 4096;
  absl::Duration stalled = absl::Seconds(30);  // how long a reader of a stream may take nothing
  absl::Duration answer_limit =
      absl::Minutes(1);  // how long an answer, or a stream's end, waits to be read
};

class RoutedCall;

class Router {
 public:
  Router(async::EventLoop& loop, async::Clock& clock, base::Metrics& metrics,
         core::Accounts& accounts, std::vector<api::MethodTable> tables, RouterOptions options);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  ~Router();

  void AddTo(grpc::ServerBuilder& builder);
  // Once the server runs.
  void Start();
  // Once the server was shut down: waits for the last call.
  void Stop();

  // The service stops: ends the streams that can be taken up elsewhere; other calls have until
  // `calls_end`.
  void BeginStop(async::MonoTime calls_end);
  // Cancels all calls. Each answers with its outcome, or with SHUTTING_DOWN if nothing was sent.
  // What has begun may end by itself until `calls_end`, and readers may read until `writes_end`.
  void CancelAll(async::MonoTime calls_end, async::MonoTime writes_end);
  // Cancels the answers that nobody has read for `answer_limit`: once, and each second until the
  // task is cancelled.
  void CancelUnreadAnswers(async::MonoTime now);
  async::Task<void> SweepUnreadAnswers();

  // Calls that gRPC or their task have not done with.
  int open() const { return open_; }

 private:
  friend class RoutedCall;
  class Service;

  struct Unread {
    std::weak_ptr<RoutedCall> call;
    async::MonoTime until;
  };

  void AwaitUnknown();
  void WaitForEvents();
  bool TakePlace();
  void GiveBackPlace();
  void Opened();
  void Closed();
  // The queue may not be shut down until Release(): a call is asked for, or open.
  void Hold();
  void Release();
  void AddUnread(std::weak_ptr<RoutedCall> call);

  async::EventLoop& loop_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  core::Accounts& accounts_;
  const RouterOptions options_;
  std::vector<std::unique_ptr<Service>> services_;
  grpc::AsyncGenericService unknown_;  // takes the calls of methods that no table has
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  std::atomic<int> in_flight_ = 0;
  std::atomic<int> open_ = 0;
  std::atomic<int> held_ = 0;
  // The rest is the loop's.
  api::StopState stop_;
  absl::flat_hash_set<RoutedCall*> running_;
  std::deque<Unread> unread_;
  std::size_t next_sweep_;  // at this size of unread_ those that were read go
};

}  // namespace hongyan::endpoints
