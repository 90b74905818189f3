// The resolver against a nameserver that answers when the test says so. Time is the test's.
#include "server/http/name_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loop_test.h"

namespace hongyan::http {
namespace {

using absl::Hours;
using absl::Milliseconds;
using absl::Minutes;
using absl::Seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Answer = NameResolver::Answer;
using Kind = Answer::Kind;
using Found = absl::StatusOr<NameResolver::Addresses>;

constexpr auto kLimit = std::chrono::seconds(60);
constexpr auto kPatience = std::chrono::seconds(2);
const char kHost[] = "api.example";

Found Addresses(std::vector<std::string> addresses) { return addresses; }
Found ServerFails() { return absl::UnavailableError("SERVFAIL"); }
Found NoSuchName() { return absl::NotFoundError("no such name"); }

// Each look-up waits here until it is answered. Shared with threads that outlive the test's
// resolver.
class Nameserver {
 public:
  Found LookUp(const std::string& host) {
    std::unique_lock lock(mutex_);
    asked_.push_back(host);
    changed_.notify_all();
    ++waiting_;
    changed_.wait(lock, [this] { return !answers_.empty() || closed_; });
    --waiting_;
    changed_.notify_all();
    if (answers_.empty()) return ServerFails();
    Found answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  // For one look-up, now or later.
  void Says(Found answer) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    changed_.notify_all();
  }
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  // Until so many look-ups have begun.
  bool WaitForAsked(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return asked_.size() >= count; });
  }
  // Ends those that hang.
  bool Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    return changed_.wait_for(lock, kLimit, [&] { return waiting_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> asked_;
  std::deque<Found> answers_;
  int waiting_ = 0;
  bool closed_ = false;
};

class NameResolverTest : public support::LoopTest {
 protected:
  void TearDown() override { EXPECT_TRUE(nameserver_->Close()); }

  support::Started<Answer> Ask(absl::Duration within = Minutes(10)) {
    return Start(resolver_->Resolve(kHost, In(within), kPatience));
  }
  // What is known without waiting.
  Answer Now() {
    auto asking = Ask();
    return asking.value();
  }
  void RunUntil(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + kLimit;
    while (!condition() && std::chrono::steady_clock::now() < end) {
      loop_.context().restart();
      loop_.context().run_one_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(condition());
  }
  // Looks up, and waits for this answer.
  Answer AskAndHear(Found answer) {
    nameserver_->Says(std::move(answer));
    auto asking = Ask();
    RunUntil([&] { return asking.done(); });
    return asking.value();
  }
  // The answer of a look-up in the background comes.
  void Hears(Found answer) {
    const bool good = answer.ok();
    const auto before = Now().addresses;
    const std::size_t asked = nameserver_->asked();
    nameserver_->Says(std::move(answer));
    if (good) {
      RunUntil([&] { return Now().addresses != before; });
      return;
    }
    // A failure is told to nobody: it has come when the next look-up begins.
    RunUntil([&] {
      clock_.Advance(Seconds(1));
      Now();
      return nameserver_->asked() > asked;
    });
  }

  std::shared_ptr<Nameserver> nameserver_ = std::make_shared<Nameserver>();
  std::optional<NameResolver> resolver_{
      std::in_place, loop_, clock_,
      [nameserver = nameserver_](const std::string& host) { return nameserver->LookUp(host); }};
};

TEST_F(NameResolverTest, A02_OneLookUpServesAllWhoAsk) {
  std::vector<support::Started<Answer>> asking;
  for (int i = 0; i < 100; ++i) asking.push_back(Ask());
  nameserver_->Says(Addresses({"192.0.2.1", "2001:db8::1"}));
  RunUntil([&] { return asking.back().done(); });
  for (const auto& one : asking) {
    ASSERT_EQ(one.value().kind, Kind::kFound);
    EXPECT_THAT(*one.value().addresses, ElementsAre("192.0.2.1", "2001:db8::1"));
  }
  EXPECT_EQ(nameserver_->asked(), 1u);
}

TEST_F(NameResolverTest, A02_AnswerIsUsedFor30SecondsWithoutAnother) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(29));
  EXPECT_EQ(Now().kind, Kind::kFound);
  EXPECT_EQ(nameserver_->asked(), 1u);
}

TEST_F(NameResolverTest, A02_CallersInAHurryLeaveOnTimeAndOneLookUpHangs) {
  for (int i = 0; i < 1000; ++i) {
    const async::MonoTime begun = clock_.Mono();
    auto asking = Ask(Milliseconds(150));
    EXPECT_TRUE(nameserver_->WaitForAsked(1));
    while (!asking.done() && clock_.AdvanceToNextAlarm()) {
    }
    EXPECT_LE(async::Between(begun, clock_.Mono()), Milliseconds(150));
    EXPECT_EQ(asking.value().kind, i < 13 ? Kind::kDeadline : Kind::kSlow) << i;
    clock_.Advance(Milliseconds(3));
  }
  EXPECT_EQ(nameserver_->asked(), 1u);
}

TEST_F(NameResolverTest, A02_SlowLookUpIsToldToWhoeverAsks) {
  auto first = Ask();
  clock_.Advance(Milliseconds(1500));
  auto second = Ask();
  clock_.Advance(Milliseconds(500));
  EXPECT_EQ(first.value().kind, Kind::kSlow);
  EXPECT_EQ(second.value().kind, Kind::kSlow);
  EXPECT_EQ(Now().kind, Kind::kSlow);
  // It brings its answer all the same.
  nameserver_->Says(Addresses({"192.0.2.1"}));
  RunUntil([&] { return Now().kind == Kind::kFound; });
  EXPECT_EQ(nameserver_->asked(), 1u);
}

TEST_F(NameResolverTest, A02_CancelledCallerLeavesTheOthersTheirLookUp) {
  auto first = Ask();
  auto second = Ask();
  first.Cancel();
  EXPECT_EQ(first.value().kind, Kind::kCancelled);
  nameserver_->Says(Addresses({"192.0.2.1"}));
  RunUntil([&] { return second.done(); });
  EXPECT_EQ(second.value().kind, Kind::kFound);
}

TEST_F(NameResolverTest, A02_LastAnswerIsUsedWhileTheNameserverIsSilent) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(31));
  EXPECT_EQ(Now().kind, Kind::kFound) << "at once, and the look-up goes on behind it";
  EXPECT_TRUE(nameserver_->WaitForAsked(2));
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(Seconds(1));
    EXPECT_EQ(Now().kind, Kind::kFound);
  }
  EXPECT_EQ(nameserver_->asked(), 2u);
}

TEST_F(NameResolverTest, A02_N02_AnswersThatChangeAreFollowed) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(31));
  EXPECT_THAT(*Now().addresses, ElementsAre("192.0.2.1"));
  Hears(Addresses({"192.0.2.2"}));
  EXPECT_THAT(*Now().addresses, ElementsAre("192.0.2.2"));
}

TEST_F(NameResolverTest, A02_OldAnswerWaitsAMomentForNews) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Minutes(6));
  auto asking = Ask();
  EXPECT_FALSE(asking.done());
  nameserver_->Says(Addresses({"192.0.2.2"}));
  RunUntil([&] { return asking.done(); });
  EXPECT_THAT(*asking.value().addresses, ElementsAre("192.0.2.2"));
  // And no longer than a moment.
  clock_.Advance(Minutes(6));
  auto in_vain = Ask();
  clock_.Advance(Milliseconds(100));
  EXPECT_THAT(*in_vain.value().addresses, ElementsAre("192.0.2.2"));
  EXPECT_EQ(Now().kind, Kind::kFound) << "nor does the next one wait";
}

TEST_F(NameResolverTest, A02_N01_FailureIsToldAndNotAskedAgainForASecond) {
  const Answer failed = AskAndHear(ServerFails());
  EXPECT_EQ(failed.kind, Kind::kFailed);
  EXPECT_EQ(failed.problem, "SERVFAIL");
  EXPECT_EQ(Now().kind, Kind::kFailed);
  EXPECT_EQ(nameserver_->asked(), 1u);
  clock_.Advance(Seconds(1));
  EXPECT_EQ(AskAndHear(Addresses({"192.0.2.1"})).kind, Kind::kFound);
}

TEST_F(NameResolverTest, A02_N01_LastAnswerIsUsedThroughFailuresWithoutEnd) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(31));
  Now();
  Hears(ServerFails());
  EXPECT_EQ(Now().kind, Kind::kFound);
  for (const absl::Duration later : {Hours(23), Hours(2), Hours(24 * 30)}) {
    clock_.Advance(later);
    Hears(ServerFails());
    EXPECT_THAT(*Now().addresses, ElementsAre("192.0.2.1"));
  }
}

TEST_F(NameResolverTest, A02_N01_NoSuchNameIsBelievedAfterAnHour) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(31));
  Now();
  for (int i = 0; i < 55; ++i) {
    Hears(NoSuchName());
    EXPECT_EQ(Now().kind, Kind::kFound) << "after " << i << " minutes";
    clock_.Advance(Minutes(1));
  }
  for (int i = 0; i < 10; ++i) nameserver_->Says(NoSuchName());
  RunUntil([&] {
    clock_.Advance(Minutes(1));
    auto asking = Ask();
    RunUntil([&] { return asking.done(); });
    return asking.value().kind == Kind::kFailed;
  });
}

TEST_F(NameResolverTest, A02_N01_OneNoSuchNameIsNotBelievedHoweverLongAgo) {
  AskAndHear(Addresses({"192.0.2.1"}));
  clock_.Advance(Seconds(31));
  Now();
  Hears(NoSuchName());
  clock_.Advance(Hours(3));
  EXPECT_EQ(Now().kind, Kind::kFound) << "the nameserver is silent now";
}

TEST_F(NameResolverTest, A02_DoubtedAnswerIsLookedUpAnewAtItsNextUse) {
  AskAndHear(Addresses({"192.0.2.1"}));
  resolver_->Doubt(kHost);
  Now();
  EXPECT_EQ(nameserver_->asked(), 1u) << "that was just now";
  clock_.Advance(Seconds(5));
  resolver_->Doubt(kHost);
  EXPECT_EQ(Now().kind, Kind::kFound);
  Hears(Addresses({"192.0.2.2"}));
  EXPECT_THAT(*Now().addresses, ElementsAre("192.0.2.2"));
}

TEST_F(NameResolverTest, A02_LookUpThatHangsForEverIsLostAndTheirNumberIsBounded) {
  for (int i = 0; i < 30; ++i) {
    Ask();
    EXPECT_TRUE(nameserver_->WaitForAsked(static_cast<std::size_t>(std::min(i + 1, 16))));
    clock_.Advance(Minutes(2));
  }
  EXPECT_EQ(nameserver_->asked(), 16u);
  const Answer answer = Now();
  EXPECT_EQ(answer.kind, Kind::kFailed);
  EXPECT_THAT(answer.problem, HasSubstr("too many"));
  // The first that comes back brings what it found.
  nameserver_->Says(Addresses({"192.0.2.1"}));
  RunUntil([&] { return Now().kind == Kind::kFound; });
}

TEST_F(NameResolverTest, A02_HostsWaitForNoOther) {
  auto hangs = Ask();
  EXPECT_TRUE(nameserver_->WaitForAsked(1));
  auto other = Start(resolver_->Resolve("two.example", In(Seconds(1)), kPatience));
  EXPECT_TRUE(nameserver_->WaitForAsked(2));
  EXPECT_FALSE(hangs.done());
}

TEST_F(NameResolverTest, A02_EndWaitsForNoLookUp) {
  auto asking = Ask(Milliseconds(1));
  EXPECT_TRUE(nameserver_->WaitForAsked(1));
  clock_.Advance(Milliseconds(1));
  EXPECT_EQ(asking.value().kind, Kind::kDeadline);
  resolver_.reset();
}

TEST_F(NameResolverTest, A02_SystemKnowsItsOwnName) {
  NameResolver system(loop_, clock_);
  auto asking = Start(system.Resolve("127.0.0.1", In(Minutes(10)), std::chrono::hours(1)));
  RunUntil([&] { return asking.done(); });
  ASSERT_EQ(asking.value().kind, Kind::kFound);
  EXPECT_THAT(*asking.value().addresses, ElementsAre("127.0.0.1"));
  auto nobody = Start(
      system.Resolve(std::string(64, 'a') + ".invalid", In(Minutes(10)), std::chrono::hours(1)));
  RunUntil([&] { return nobody.done(); });
  EXPECT_EQ(nobody.value().kind, Kind::kFailed);
  EXPECT_NE(nobody.value().problem, "");
}

}  // namespace
}  // namespace hongyan::http
