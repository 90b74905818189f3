// What every call has beside its request, and how its status leaves.
//
// Threads: plain functions; call them where gRPC allows the context to be touched (handler, or before Finish).
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/base/metrics.h"
#include "server/endpoints/grpc/unread_answers.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::endpoints {

// How many calls there are. A place is taken first thing in a handler and given back when gRPC has done with the call:
// the work has ended, which is later than the end of the stream when a caller goes away, and the answer is out, so that a
// caller who doesn't read can't have more answers than that waiting in memory.
class InFlight {
 public:
  InFlight(int max, base::Metrics& metrics) : max_(max), metrics_(metrics) {}
  bool Take();
  void GiveBack();
  int count() const { return count_; }

 private:
  const int max_;
  base::Metrics& metrics_;
  std::atomic<int> count_{0};
};

// What the calls of a service need.
struct CallEnvironment {
  async::EventLoop& loop;
  async::Clock& clock;
  base::Metrics& metrics;
  InFlight& in_flight;
  absl::Duration stalled = absl::Seconds(30);  // how long a reader of a stream may take nothing
  absl::Duration answer_limit =
      absl::Minutes(1);       // how long a ready answer, or a stream's end, waits to be read
  std::atomic<int> open = 0;  // see OpenCall
  // The rest is the loop's.
  UnreadAnswers unread = {};
  absl::flat_hash_set<async::asio::cancellation_signal*> running = {};
  // The server stops: streams that can be taken up later end, the other calls have until calls_end.
  bool stopping = false;
  async::MonoTime calls_end = async::MonoTime::max();
  async::MonoTime writes_end = async::MonoTime::max();  // who hasn't read by then takes nothing
  bool cut_off = false;                                 // CancelAll() was called

  // Of a call that gRPC is about to be given the answer of.
  std::shared_ptr<UnreadAnswer> WatchAnswer(grpc::CallbackServerContext& context);

  // Cancels every call that runs, because its time is over: each is answered with what became of it, SHUTTING_DOWN where
  // that is nothing.
  void CancelAll();
};

// Counts a call, of whatever kind, as open for as long as it lives: until gRPC and its work have both done with it. Only
// unary calls that are refused at once are not counted.
class OpenCall {
 public:
  explicit OpenCall(CallEnvironment& environment) : open_(environment.open) { ++open_; }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  ~OpenCall() { --open_; }

 private:
  std::atomic<int>& open_;
};

struct CallInfo {
  const char* service = "";
  const char* method = "";
  std::string request_id;
  std::string traceparent;
  std::string account;   // filled in by the handler, for the log
  std::string delivery;  // so too
  async::MonoTime begun;
  wechat::CallLimit limit;
};

// Reads the metadata and the deadline. A call without one, or with one of more than a day, has `ceiling` from now; one that
// its caller gave more time than that has it, up to ten minutes.
// An x-request-id that is not 1 to 128 visible ASCII characters is replaced by one of ours.
CallInfo ReadCall(const grpc::CallbackServerContext& context, const char* service,
                  const char* method, async::MonoTime now, absl::Duration ceiling);

// Echoes x-request-id. Call once, before anything is written or finished.
void WriteInitialMetadata(grpc::CallbackServerContext& context, const CallInfo& info);

// For errors: x-request-id again, since many clients hand out only the trailers of a failed call, and
// grpc-retry-pushback-ms. Call once, before Finish.
void WriteTrailers(grpc::CallbackServerContext& context, const CallInfo& info,
                   const absl::Status& status);

// With the details in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Counts and logs the end of a call.
void CallEnded(CallEnvironment& environment, const CallInfo& info, const absl::Status& status);

// RESOURCE_EXHAUSTED OVERLOADED with RetryInfo.
absl::Status Overloaded(absl::string_view what, absl::string_view chinese);
absl::Status TooManyInFlight();
// For what the end of the server ends, or keeps from beginning.
absl::Status ShuttingDown();
// For the reader of a stream who took nothing for too long and can go on where it stopped.
absl::Status TooSlow();
// For a stream that has reached its greatest age and can be taken up where it stopped.
absl::Status StreamAged();

}  // namespace hongyan::endpoints
