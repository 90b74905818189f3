#include "server/endpoints/grpc/poller_waker.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <functional>
#include <utility>

namespace hongyan::endpoints {

// What a call needs until it has ended, on a thread of gRPC's.
struct PollerWaker::Call {
  ::grpc::ClientContext context;
  ::grpc::Slice nothing;
  ::grpc::ByteBuffer request{&nothing, 1};
  ::grpc::ByteBuffer response;
};

PollerWaker::PollerWaker(async::Clock& clock, absl::Duration interval)
    : clock_(clock),
      interval_(interval),
      pause_(clock.NewAlarm()),
      // A channel without credentials fails each call at once.
      stub_(::grpc::CreateChannel("", nullptr)),
      ended_(std::make_shared<std::atomic<std::int64_t>>(0)) {}

PollerWaker::~PollerWaker() = default;

async::Task<void> PollerWaker::Run() {
  while (!stopped_) {
    const auto call = std::make_shared<Call>();
    Call& started = *call;
    ++begun_;
    stub_.UnaryCall(&started.context, "", {}, &started.request, &started.response,
                    [call, ended = ended_](const ::grpc::Status&) { ++*ended; });
    const bool time_came = co_await pause_->WaitUntil(async::After(clock_.Mono(), interval_));
    if (!time_came) co_return;
  }
}

void PollerWaker::Stop() {
  stopped_ = true;
  pause_->Cancel();
}

}  // namespace hongyan::endpoints
