// One event, one call, one answer, whatever WeChat repeats and whenever the handler speaks.
#include "server/core/handler_calls.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/core_test.h"
#include "tests/support/known_people.h"

namespace hongyan::core {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using support::Accepts;
using support::kTextPath;
using Answer = absl::StatusOr<std::optional<Reply>>;

// Answers each call alike, after a while.
class FakeHandler final : public EventHandler {
 public:
  explicit FakeHandler(async::Clock& clock) : clock_(clock) {}

  async::Task<Answer> Handle(model::StoredEvent event, std::string request_id,
                             absl::Duration time_left) override {
    cursors.push_back(event.cursor);
    request_ids.push_back(std::move(request_id));
    times.push_back(time_left);
    const async::MonoTime end = async::After(clock_.Mono(), std::min(takes, time_left));
    const auto alarm = clock_.NewAlarm();
    bool came = co_await alarm->WaitUntil(end);
    if (!came && ignores_cancellation) {
      co_await boost::asio::this_coro::reset_cancellation_state();
      came = co_await alarm->WaitUntil(end);
    }
    if (!came) co_return absl::CancelledError("");
    if (takes > time_left) co_return absl::DeadlineExceededError("");
    co_return answer;
  }

  Answer answer = std::optional<Reply>(wechat::TextReply{"hello"});
  absl::Duration takes = Milliseconds(100);
  bool ignores_cancellation = false;
  std::vector<std::int64_t> cursors;
  std::vector<std::string> request_ids;
  std::vector<absl::Duration> times;

 private:
  async::Clock& clock_;
};

class HandlerCallsTest : public support::CoreTest {
 protected:
  void SetUp() override { Configure(absl::ZeroDuration()); }
  void TearDown() override {
    Await(Drained());
    CoreTest::TearDown();
  }

  void Configure(absl::Duration late_within, std::vector<std::string> on = {}) {
    calls_.emplace(main_, HandlerOptions{std::move(on), Seconds(4), late_within}, handler_, sender_,
                   loop_.executor(), clock_, metrics_);
  }
  async::Task<bool> Drained(absl::Duration within = Seconds(100)) {
    co_await calls_->Drain(In(within));
    co_return true;
  }

  async::Task<bool> AllDrained(std::vector<HandlerCalls*> handlers, absl::Duration within) {
    co_await DrainHandlers(std::move(handlers), In(within), loop_.executor(), clock_);
    co_return true;
  }

  // A push from its arrival to its answer, recorded at once.
  async::Task<std::optional<Reply>> Push(std::string key, bool repeated = false,
                                         absl::Duration ago = absl::ZeroDuration(),
                                         HandlerCalls* calls = nullptr) {
    if (calls == nullptr) calls = &*calls_;
    HandlerCalls::Arrival arrival = calls->Arrive(key);
    model::StoredEvent event;
    event.cursor = 7;
    event.account = "main";
    event.openid = "oU";
    event.type = "text";
    co_return co_await calls->Answer(std::move(arrival), repeated, std::move(event),
                                     async::After(clock_.Mono(), -ago));
  }

  double Counted(const std::string& outcome) {
    const std::string text = prometheus::TextSerializer().Serialize(metrics_.registry().Collect());
    const std::string series =
        absl::StrCat("hongyan_handler_calls_total{account=\"main\",outcome=\"", outcome, "\"} ");
    const std::size_t at = text.find(series);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + series.size()));
  }

  const std::optional<Reply> kHello = wechat::TextReply{"hello"};
  Idempotency idempotency_{clock_, metrics_};
  support::KnownPeople people_;
  Sender sender_{people_, idempotency_, clock_, metrics_};
  FakeHandler handler_{clock_};
  std::optional<HandlerCalls> calls_;
};

TEST_F(HandlerCallsTest, AnEventIsHandledWithinWhatIsLeftOfItsTime) {
  EXPECT_EQ(Await(Push("a", false, Seconds(1))), kHello);
  EXPECT_EQ(handler_.cursors, std::vector<std::int64_t>{7});
  EXPECT_EQ(handler_.times, std::vector<absl::Duration>{Seconds(3)});
  EXPECT_EQ(handler_.request_ids[0].size(), 32u);
  EXPECT_EQ(Counted("replied"), 1);
}

TEST_F(HandlerCallsTest, X12_RepeatsJoinTheCallAndGetItsReplyLater) {
  handler_.takes = Seconds(2);
  auto first = Start(Push("a"));
  clock_.Advance(Seconds(1));
  auto joined = Start(Push("a", true));
  EXPECT_FALSE(joined.done());
  clock_.Advance(Seconds(1));
  EXPECT_EQ(first.value(), kHello);
  EXPECT_EQ(joined.value(), kHello);
  clock_.Advance(Seconds(5));
  EXPECT_EQ(Await(Push("a", true)), kHello);
  EXPECT_EQ(handler_.cursors.size(), 1u);
  EXPECT_EQ(Await(Push("b")), kHello);
  EXPECT_EQ(handler_.cursors.size(), 2u);
}

TEST_F(HandlerCallsTest, TheFirstsEndLeavesTheCallToItsRepeat) {
  handler_.takes = Seconds(2);
  auto first = Start(Push("a"));
  first.Cancel();  // WeChat dropped the connection
  clock_.Advance(Seconds(1));
  auto repeat = Start(Push("a", true));
  clock_.Advance(Seconds(1));
  EXPECT_EQ(repeat.value(), kHello);
  EXPECT_EQ(handler_.cursors.size(), 1u);
}

TEST_F(HandlerCallsTest, WhatAnEarlierProcessRecordedIsNotHandledAgain) {
  EXPECT_EQ(Await(Push("a", true)), std::nullopt);
  EXPECT_EQ(Await(Push("a", true)), std::nullopt);
  EXPECT_TRUE(handler_.cursors.empty());
}

TEST_F(HandlerCallsTest, H22_AnEventThatWasRecordedTooLateIsHandledWithItsRepeat) {
  calls_->Arrive("a");  // storage was too slow, WeChat got 503
  EXPECT_EQ(Await(Push("a", true)), kHello);
  EXPECT_EQ(handler_.cursors.size(), 1u);
}

TEST_F(HandlerCallsTest, G21_ASlowHandlerEndsWithNothingInTime) {
  handler_.takes = Seconds(60);
  const async::MonoTime start = clock_.Mono();
  EXPECT_EQ(Await(Push("a", false, Seconds(1))), std::nullopt);
  EXPECT_EQ(async::Between(start, clock_.Mono()), Seconds(3));
  EXPECT_EQ(Await(Push("a", true)), std::nullopt);
  EXPECT_EQ(handler_.cursors.size(), 1u);
  EXPECT_EQ(Counted("late"), 1);
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(HandlerCallsTest, WithoutTimeNobodyIsAsked) {
  EXPECT_EQ(Await(Push("a", false, Seconds(5))), std::nullopt);
  EXPECT_TRUE(handler_.cursors.empty());
  EXPECT_EQ(Counted("late"), 1);
}

TEST_F(HandlerCallsTest, ALateTextGoesOutOnceAsCustomerServiceMessage) {
  Configure(Seconds(30));
  http_.Always(kTextPath, Accepts());
  handler_.takes = Seconds(10);
  auto first = Start(Push("a"));
  clock_.Advance(Seconds(4));
  EXPECT_EQ(first.value(), std::nullopt);
  EXPECT_EQ(handler_.times[0], Seconds(30));
  clock_.Advance(Seconds(1));
  EXPECT_EQ(Start(Push("a", true)).value(), std::nullopt) << "it will come by the other way";
  EXPECT_EQ(http_.count(kTextPath), 0u);
  clock_.Advance(Seconds(6));
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_EQ(Await(Push("a", true)), std::nullopt);
  EXPECT_EQ(http_.count(kTextPath), 1u);
  EXPECT_EQ(handler_.cursors.size(), 1u);
  EXPECT_EQ(Counted("late_sent"), 1);
}

TEST_F(HandlerCallsTest, InTimeNothingGoesOutTheOtherWay) {
  Configure(Seconds(30));
  handler_.takes = Seconds(3);
  EXPECT_EQ(Await(Push("a")), kHello);
  clock_.Advance(Seconds(60));
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(HandlerCallsTest, OtherLateRepliesAreDroppedAndCounted) {
  Configure(Seconds(30));
  handler_.takes = Seconds(10);
  handler_.answer = std::optional<Reply>(wechat::ImageReply{"M"});
  EXPECT_EQ(Await(Push("a")), std::nullopt);
  clock_.Advance(Seconds(10));
  EXPECT_EQ(Counted("late_dropped"), 1);
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(HandlerCallsTest, G21_FailuresAreNoReplyAndAreCountedByWhatTheyAre) {
  const std::pair<Answer, const char*> cases[] = {
      {absl::UnavailableError(""), "failed"},
      {absl::InternalError(""), "failed"},
      {absl::DataLossError(""), "invalid"},
      {std::optional<Reply>(wechat::TextReply{std::string(2049, 'x')}), "invalid"},
      {std::optional<Reply>(wechat::NewsReply{"t", "", "javascript:", ""}), "invalid"},
      {std::optional<Reply>(), "empty"}};
  for (const auto& [answer, outcome] : cases) {
    handler_.answer = answer;
    const double before = Counted(outcome);
    EXPECT_EQ(Await(Push(absl::StrCat("k", handler_.cursors.size()))), std::nullopt);
    EXPECT_EQ(Counted(outcome), before + 1) << outcome;
  }
}

TEST_F(HandlerCallsTest, OneCallTooManyIsNoReply) {
  handler_.takes = Seconds(2);
  std::vector<support::Started<std::optional<Reply>>> pushes;
  for (std::size_t i = 0; i < HandlerCalls::kMaxCalls; ++i) {
    pushes.push_back(Start(Push(absl::StrCat("k", i))));
  }
  EXPECT_EQ(Start(Push("more")).value(), std::nullopt);
  EXPECT_EQ(Counted("overloaded"), 1);
  clock_.Advance(Seconds(2));
  EXPECT_EQ(pushes.back().value(), kHello);
  EXPECT_EQ(Await(Push("again")), kHello);
}

TEST_F(HandlerCallsTest, MemoryIsBoundedAndEnds) {
  handler_.takes = absl::ZeroDuration();
  for (std::size_t i = 0; i < HandlerCalls::kMaxRemembered + 10; ++i) {
    calls_->Arrive(absl::StrCat("k", i));
  }
  EXPECT_EQ(calls_->remembered(), HandlerCalls::kMaxRemembered);
  clock_.Advance(HandlerCalls::kMemory);
  EXPECT_EQ(Await(Push("new")), kHello);
  EXPECT_EQ(calls_->remembered(), 1u);
  clock_.Advance(HandlerCalls::kMemory);
  EXPECT_EQ(Await(Push("new", true)), std::nullopt);
  EXPECT_EQ(handler_.cursors.size(), 1u);
}

TEST_F(HandlerCallsTest, DrainingWaitsAndThenCancels) {
  handler_.takes = Seconds(3);
  auto push = Start(Push("a"));
  EXPECT_TRUE(Await(Drained(Seconds(10))));
  EXPECT_EQ(push.value(), kHello);
  Configure(Seconds(60));
  handler_.takes = Seconds(50);
  auto late = Start(Push("b"));
  const async::MonoTime start = clock_.Mono();
  EXPECT_TRUE(Await(Drained(Seconds(10))));
  EXPECT_EQ(async::Between(start, clock_.Mono()), Seconds(10));
  EXPECT_EQ(late.value(), std::nullopt);
  EXPECT_EQ(Counted("failed"), 1);
}

TEST_F(HandlerCallsTest, HandlersAreDrainedBesideEachOther) {
  handler_.takes = Seconds(30);
  handler_.ignores_cancellation = true;
  Configure(Seconds(20));
  HandlerCalls other(main_, HandlerOptions{{}, Seconds(4), Seconds(20)}, handler_, sender_,
                     loop_.executor(), clock_, metrics_);
  auto one = Start(Push("a"));
  auto two = Start(Push("b", false, absl::ZeroDuration(), &other));
  EXPECT_EQ(handler_.cursors.size(), 2u);
  const async::MonoTime start = clock_.Mono();
  EXPECT_TRUE(Await(AllDrained({&*calls_, &other}, Seconds(10))));
  EXPECT_EQ(async::Between(start, clock_.Mono()), Seconds(11));
  clock_.Advance(Seconds(30));
}

TEST_F(HandlerCallsTest, PushesThatAreReleasedHaveNoReply) {
  handler_.takes = Seconds(3);
  auto first = Start(Push("a"));
  clock_.Advance(Seconds(1));
  EXPECT_FALSE(first.done());
  calls_->ReleasePushes();
  loop_.context().poll();
  EXPECT_EQ(first.value(), std::nullopt);
  // One that was recorded only now asks nobody any more, and its repeat hears the same.
  EXPECT_EQ(Start(Push("b")).value(), std::nullopt);
  EXPECT_EQ(Start(Push("a", true)).value(), std::nullopt);
  EXPECT_EQ(handler_.cursors.size(), 1u);
  EXPECT_TRUE(Await(Drained(Seconds(10))));
  EXPECT_EQ(Counted("late"), 1);
}

TEST_F(HandlerCallsTest, OnlyWhatIsConfigured) {
  wechat::PushedEvent text;
  text.msg_type = "text";
  wechat::PushedEvent location;
  location.msg_type = "event";
  location.event = "LOCATION";
  EXPECT_TRUE(calls_->Wants(Classify(text)));
  EXPECT_TRUE(calls_->Wants(Classify(location)));
  Configure(absl::ZeroDuration(), {"text", "location"});
  EXPECT_TRUE(calls_->Wants(Classify(text)));
  EXPECT_FALSE(calls_->Wants(Classify(location)));
}

}  // namespace
}  // namespace hongyan::core
