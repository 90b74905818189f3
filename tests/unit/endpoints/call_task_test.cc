// Whose doing a call's end was, as the caller is told.
#include "server/endpoints/grpc/call_task.h"

#include <gtest/gtest.h>

#include <utility>

#include "server/base/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace hongyan::endpoints {
namespace {

using absl::StatusCode;
using support::StatusIs;

class CallTaskTest : public ::testing::Test {
 protected:
  static async::Task<absl::Status> Ending(absl::Status status) { co_return status; }

  absl::Status Told(absl::Status status) {
    absl::Status told;
    RunCall(environment_, info_, Ending(std::move(status)), cancel_,
            [&told](absl::Status ended) { told = std::move(ended); });
    loop_.context().restart();
    loop_.context().poll();
    return told;
  }
  // Work that is on its way when CancelAll() comes, and then ends with `status`.
  absl::Status ToldWhenCutOff(absl::Status status) {
    environment_.cut_off = false;
    absl::Status told;
    RunCall(environment_, info_, Waiting(std::move(status)), cancel_,
            [&told](absl::Status ended) { told = std::move(ended); });
    loop_.context().restart();
    loop_.context().poll();
    environment_.CancelAll();
    loop_.context().restart();
    loop_.context().poll();
    return told;
  }
  async::Task<absl::Status> Waiting(absl::Status status) {
    const auto alarm = clock_.NewAlarm();
    co_await alarm->WaitUntil(async::MonoTime::max());
    co_return status;
  }
  static absl::Status StorageTooSlow() {
    return base::ErrorBuilder(StatusCode::kDeadlineExceeded, base::Reason::kStorageUnavailable,
                              "storage.url: too slow")
        .With("account", "main");
  }

  async::EventLoop loop_;
  support::FakeClock clock_{loop_};
  base::Metrics metrics_;
  InFlight in_flight_{10, metrics_};
  CallEnvironment environment_{loop_, clock_, metrics_, in_flight_};
  CallInfo info_;
  async::asio::cancellation_signal cancel_;
};

TEST_F(CallTaskTest, SlowStorageIsADeadlineOnlyIfTheCallersCame) {
  info_.limit = {async::After(clock_.Mono(), absl::Seconds(10)), true};
  const absl::Status early = Told(StorageTooSlow());
  EXPECT_THAT(early, StatusIs(StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  EXPECT_EQ(base::MetadataOf(early, "account"), "main");
  EXPECT_TRUE(base::RetryDelayOf(early).has_value());
  info_.limit = {clock_.Mono(), true};
  EXPECT_THAT(Told(StorageTooSlow()),
              StatusIs(StatusCode::kDeadlineExceeded, "STORAGE_UNAVAILABLE"));
  info_.limit = {clock_.Mono(), false};
  EXPECT_THAT(Told(StorageTooSlow()), StatusIs(StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
}

TEST_F(CallTaskTest, CancellationIsTheServersOnceItCutsCallsOff) {
  const auto cancelled = [] {
    return base::ErrorBuilder(StatusCode::kCancelled, base::Reason::kCancelled, "cancelled");
  };
  environment_.stopping = true;
  EXPECT_THAT(Told(cancelled()), StatusIs(StatusCode::kCancelled, "CANCELLED"));
  EXPECT_THAT(ToldWhenCutOff(cancelled()), StatusIs(StatusCode::kUnavailable, "SHUTTING_DOWN"));
  EXPECT_THAT(ToldWhenCutOff(
                  base::ErrorBuilder(StatusCode::kUnknown, base::Reason::kOutcomeUnknown, "sent")),
              StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
}

TEST_F(CallTaskTest, WhatComesAfterTheCutIsNotBegun) {
  environment_.CancelAll();
  EXPECT_THAT(Told(absl::OkStatus()), StatusIs(StatusCode::kUnavailable, "SHUTTING_DOWN"));
}

}  // namespace
}  // namespace hongyan::endpoints
