#include "hongyan_client/event_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hongyan_client/resumption.h"
#include "tests/unit/client/fake_followers.h"
#include "tests/unit/client/fake_service.h"

namespace hongyan::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventFollowerTest : public testing::Test {
 protected:
  EventFollowerTest() {
    Options options;
    options.target = service_.target();
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    handlers_.on_event = [this](const v1::Event& event) {
      seen_.push_back(event.cursor());
      return event.cursor() != last_wanted_;
    };
    handlers_.on_open = [this] { ++opened_; };
    handlers_.on_break = [this](const absl::Status&, absl::Duration pause, bool gap) {
      pauses_.push_back(pause);
      gaps_.push_back(gap);
    };
  }

  absl::Status Follow(const v1::WatchEventsRequest& request = {}, const CallOptions& options = {}) {
    return FollowEvents(*client_, request, handlers_, options);
  }

  FakeFollowers service_;
  std::unique_ptr<Client> client_;
  FollowHandlers handlers_;
  std::int64_t last_wanted_ = 0;
  std::vector<std::int64_t> seen_;
  std::vector<absl::Duration> pauses_;
  std::vector<bool> gaps_;
  int opened_ = 0;
};

TEST_F(EventFollowerTest, ABrokenStreamGoesOnBehindTheLastEvent) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED, grpc::StatusCode::OK}) {
    service_.watches.clear();
    seen_.clear();
    last_wanted_ = 9;
    service_.on_watch = [this, code](const v1::WatchEventsRequest& request, auto& writer) {
      const bool first = service_.watches.size() == 1;
      EXPECT_EQ(request.after_cursor(), first ? 0 : 7);
      Write(writer, first ? 3 : 8);
      Write(writer, first ? 7 : 9);
      return code == grpc::StatusCode::OK ? grpc::Status::OK : grpc::Status(code, "over");
    };
    v1::WatchEventsRequest request;
    request.set_after_cursor(0);
    request.add_types("text");
    EXPECT_TRUE(Follow(request).ok());
    EXPECT_THAT(seen_, ElementsAre(3, 7, 8, 9));
    ASSERT_EQ(service_.watches.size(), 2U);
    EXPECT_EQ(service_.watches[1].types(0), "text");
  }
  EXPECT_EQ(opened_, 6);
  EXPECT_THAT(gaps_, ElementsAre(false, false, false));
}

TEST_F(EventFollowerTest, PausesDoubleUpToTheirLimitAndBeginAnewWithAnEvent) {
  last_wanted_ = 2;
  service_.on_watch = [this](const auto&, auto& writer) -> grpc::Status {
    if (service_.watches.size() == 3) Write(writer, 1);
    if (service_.watches.size() == 4) Write(writer, 2);
    return {grpc::StatusCode::UNAVAILABLE, "not now"};
  };
  EXPECT_TRUE(Follow().ok());
  EXPECT_THAT(pauses_, ElementsAre(kFirstPause, kFirstPause * 2, kFirstPause));
  // Nobody knows what happened before the first event, since nobody said where to begin.
  EXPECT_THAT(gaps_, ElementsAre(true, true, false));
}

TEST_F(EventFollowerTest, TheWaitThatTheServiceAsksForIsBounded) {
  Canceller canceller;
  service_.on_watch = [](const auto&, auto&) {
    return Failure{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                   .reason = "OVERLOADED",
                   .retry_delay = absl::Hours(1)}
        .ToGrpc();
  };
  handlers_.on_break = [&](const absl::Status&, absl::Duration pause, bool) {
    pauses_.push_back(pause);
    canceller.Cancel();
  };
  EXPECT_TRUE(Follow({}, {.canceller = &canceller}).ok());
  EXPECT_THAT(pauses_, ElementsAre(kLongestPause));
}

TEST_F(EventFollowerTest, WhatNoRepeatMendsEndsIt) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::PERMISSION_DENIED,
        grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::UNIMPLEMENTED,
        grpc::StatusCode::INTERNAL, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    service_.watches.clear();
    service_.on_watch = [code](const auto&, auto&) { return grpc::Status(code, "no"); };
    EXPECT_EQ(static_cast<int>(Follow().code()), static_cast<int>(code));
    EXPECT_EQ(service_.watches.size(), 1U);
  }
  EXPECT_THAT(pauses_, IsEmpty());
}

// The storage was put back from a backup while the stream was broken: asking again would be
// silence.
TEST_F(EventFollowerTest, A05_CursorThatTheServiceDoesNotKnowEndsIt) {
  service_.on_watch = [this](const auto&, auto& writer) -> grpc::Status {
    if (service_.watches.size() == 1) {
      Write(writer, 7);
      return {grpc::StatusCode::UNAVAILABLE, "stopping"};
    }
    return Failure{.code = grpc::StatusCode::OUT_OF_RANGE, .reason = "CURSOR_UNKNOWN"}.ToGrpc();
  };
  const absl::Status ended = Follow();
  EXPECT_EQ(ended.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Describe(ended).reason, "CURSOR_UNKNOWN");
  EXPECT_THAT(seen_, ElementsAre(7));
  EXPECT_EQ(service_.watches.size(), 2U);
  EXPECT_EQ(service_.watches[1].after_cursor(), 7);
}

TEST_F(EventFollowerTest, WithoutAServiceItEndsAtOnce) {
  service_.Stop();
  EXPECT_TRUE(Describe(Follow()).not_connected);
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(EventFollowerTest, AServiceThatComesBackIsFound) {
  last_wanted_ = 5;
  service_.on_watch = [](const v1::WatchEventsRequest& request, auto& writer) -> grpc::Status {
    Write(writer, request.after_cursor() + 1);
    return {grpc::StatusCode::UNAVAILABLE, "stopping"};
  };
  handlers_.on_break = [this](const absl::Status&, absl::Duration pause, bool) {
    pauses_.push_back(pause);
    if (pauses_.size() == 1) service_.Stop();
    if (pauses_.size() == 2) service_.Start();
  };
  v1::WatchEventsRequest request;
  request.set_after_cursor(0);
  EXPECT_TRUE(Follow(request).ok());
  EXPECT_THAT(seen_, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(EventFollowerTest, CancelEndsASilentStreamWithoutError) {
  Canceller canceller;
  handlers_.on_open = [&] { canceller.Cancel(); };
  service_.on_watch = [this](const auto&, auto&) {
    while (!service_.context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::OK;
  };
  EXPECT_TRUE(Follow({}, {.timeout = absl::Seconds(1), .canceller = &canceller}).ok());
}

}  // namespace
}  // namespace hongyan::client
