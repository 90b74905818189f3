// Answers that gRPC has but can't get rid of, because their caller doesn't read: each holds its message and its place in
// flight, and would for as long as the connection lasts.
//
// Contract: what was added and isn't Done() at its time is cancelled by CancelOld(): its caller sees CANCELLED.
// Bounds:   as many as there are calls that gRPC has not done with, and as many again that it has, 1000 at least.
// Threads:  Add() and CancelOld() on the event loop; an answer's own methods on any.
#pragma once

#include <grpcpp/server_context.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "server/async/task.h"

namespace hongyan::endpoints {

// One call between Finish() and OnDone(). Shared by the call and the list.
class UnreadAnswer {
 public:
  explicit UnreadAnswer(grpc::CallbackServerContext& context) : context_(&context) {}
  // From OnDone(): the context isn't touched afterwards.
  void Done();
  void Cancel();
  bool done() const;

 private:
  mutable std::mutex mutex_;
  grpc::CallbackServerContext* context_;
};

class UnreadAnswers {
 public:
  // `until` never decreases from call to call.
  void Add(std::shared_ptr<UnreadAnswer> answer, async::MonoTime until);
  void CancelOld(async::MonoTime now);

 private:
  struct Entry {
    std::shared_ptr<UnreadAnswer> answer;
    async::MonoTime until;
  };

  std::deque<Entry> entries_;
  std::size_t next_sweep_ = 1000;  // at this size those that are done go
};

}  // namespace hongyan::endpoints
