// One key, one send: who sends, who waits, and what is remembered for how long.
#include "server/core/idempotency.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/wechat/api_json.h"
#include "tests/support/loop_test.h"
#include "tests/support/status_matchers.h"

namespace hongyan::core {
namespace {

using absl::Hours;
using absl::Minutes;
using absl::Seconds;
using absl::StatusCode;
using base::ErrorBuilder;
using base::Reason;

using Claimed = Idempotency::Claimed;
using Verdict = Idempotency::Verdict;

model::Delivery Result(model::DeliveryState state, absl::Status error = absl::OkStatus(),
                       int attempts = 1) {
  model::Delivery delivery;
  delivery.id = "the first";
  delivery.state = state;
  delivery.error = std::move(error);
  delivery.attempts = attempts;
  return delivery;
}
model::Delivery Accepted() { return Result(model::DeliveryState::kAccepted); }
model::Delivery Failed(StatusCode code, Reason reason, int attempts = 1) {
  return Result(model::DeliveryState::kFailed, ErrorBuilder(code, reason, "failed"), attempts);
}
model::Delivery Busy() { return Failed(StatusCode::kUnavailable, Reason::kWechatBusy); }

class IdempotencyTest : public support::LoopTest {
 protected:
  async::Task<Claimed> ClaimTask(const std::string& key, const std::string& fingerprint = "f",
                                 const std::string& account = "main",
                                 absl::Duration within = Seconds(30)) {
    return keys_.Claim(account, key, fingerprint, In(within));
  }
  Verdict Claim(const std::string& key, const std::string& fingerprint = "f",
                const std::string& account = "main") {
    return Start(ClaimTask(key, fingerprint, account)).value().verdict;
  }
  void Settle(const std::string& key, const model::Delivery& result) {
    keys_.Settle("main", key, result);
  }

  double forgotten() {
    for (const auto& family : metrics_.registry().Collect()) {
      if (family.name == "hongyan_idempotency_keys_forgotten_total") {
        return family.metric.front().counter.value;
      }
    }
    ADD_FAILURE() << "no such metric";
    return -1;
  }

  base::Metrics metrics_;
  Idempotency keys_{clock_, metrics_, {3}};
};

TEST_F(IdempotencyTest, G02_FirstSendsAndALaterCallGetsItsResult) {
  EXPECT_EQ(Claim("k"), Verdict::kMine);
  Settle("k", Accepted());
  const Claimed again = Start(ClaimTask("k")).value();
  EXPECT_EQ(again.verdict, Verdict::kDone);
  EXPECT_EQ(again.first->id, "the first");
}

TEST_F(IdempotencyTest, G02_TheDeadlineOfTheFirstIsNotThatOfTheOthers) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  const auto twin = Start(ClaimTask("k"));
  Settle("k", Result(model::DeliveryState::kUnknown,
                     ErrorBuilder(StatusCode::kDeadlineExceeded, Reason::kOutcomeUnknown, "late")
                         .With("account", "main")));
  clock_.Settle();
  for (const absl::Status& error :
       {twin.value().first->error, Start(ClaimTask("k")).value().first->error}) {
    EXPECT_THAT(error, support::StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
    EXPECT_EQ(error.message(), "late");
    EXPECT_EQ(base::GetMetadata(error, "account"), "main");
  }
}

TEST_F(IdempotencyTest, G02_TwinsInFlightWaitForTheFirst) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  std::vector<support::Started<Claimed>> twins;
  for (int i = 0; i < 5; ++i) twins.push_back(Start(ClaimTask("k")));
  clock_.Advance(Seconds(1));
  for (const auto& twin : twins) EXPECT_FALSE(twin.done());
  Settle("k", Accepted());
  clock_.Settle();
  for (const auto& twin : twins) {
    EXPECT_EQ(twin.value().verdict, Verdict::kDone);
    EXPECT_EQ(twin.value().first->id, "the first");
  }
}

TEST_F(IdempotencyTest, G03_OtherRequestUnderTheSameKeyIsRefused) {
  ASSERT_EQ(Claim("k", "f"), Verdict::kMine);
  EXPECT_EQ(Claim("k", "other"), Verdict::kReused) << "in flight";
  Settle("k", Accepted());
  EXPECT_EQ(Claim("k", "other"), Verdict::kReused) << "settled";
  EXPECT_EQ(Claim("k", "f"), Verdict::kDone);
}

TEST_F(IdempotencyTest, RetryableFailureFreesTheKeyForExactlyOneTwin) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  auto second = Start(ClaimTask("k"));
  auto third = Start(ClaimTask("k"));
  Settle("k", Busy());
  clock_.Settle();
  ASSERT_TRUE(second.done());
  EXPECT_EQ(second.value().verdict, Verdict::kMine);
  EXPECT_FALSE(third.done());
  Settle("k", Accepted());
  clock_.Settle();
  EXPECT_EQ(third.value().verdict, Verdict::kDone);
}

TEST_F(IdempotencyTest, FreedKeyTakesAnotherRequest) {
  ASSERT_EQ(Claim("k", "f"), Verdict::kMine);
  Settle("k", Busy());
  EXPECT_EQ(Claim("k", "other"), Verdict::kMine);
}

TEST_F(IdempotencyTest, AccountsHaveTheirOwnKeys) {
  EXPECT_EQ(Claim("k", "f", "one"), Verdict::kMine);
  EXPECT_EQ(Claim("k", "f", "two"), Verdict::kMine);
  EXPECT_EQ(keys_.size(), 2u);
}

TEST_F(IdempotencyTest, KeysAreRememberedForADayFromTheirFirstUse) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  clock_.Advance(Hours(1));
  Settle("k", Accepted());
  clock_.Advance(Hours(23) - Seconds(1));
  EXPECT_EQ(Claim("k"), Verdict::kDone);
  EXPECT_EQ(Claim("k", "other"), Verdict::kReused);
  clock_.Advance(Seconds(2));
  EXPECT_EQ(Claim("k", "other"), Verdict::kMine);
}

TEST_F(IdempotencyTest, TwinHasItsOwnDeadline) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  auto hasty = Start(ClaimTask("k", "f", "main", Seconds(1)));
  auto patient = Start(ClaimTask("k", "f", "main", Seconds(5)));
  clock_.Advance(Seconds(1));
  EXPECT_EQ(hasty.value().verdict, Verdict::kDeadline);
  EXPECT_FALSE(patient.done());
  Settle("k", Accepted());
  clock_.Settle();
  EXPECT_EQ(patient.value().verdict, Verdict::kDone);
}

TEST_F(IdempotencyTest, TwinThatLeavesDoesNotDisturbTheOthers) {
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  auto leaving = Start(ClaimTask("k"));
  auto staying = Start(ClaimTask("k"));
  leaving.Cancel();
  EXPECT_EQ(leaving.value().verdict, Verdict::kCancelled);
  Settle("k", Accepted());
  clock_.Settle();
  EXPECT_EQ(staying.value().verdict, Verdict::kDone);
}

TEST_F(IdempotencyTest, OldestSettledKeyMakesRoom) {
  for (const char* key : {"a", "b", "c"}) ASSERT_EQ(Claim(key), Verdict::kMine);
  Settle("b", Accepted());
  Settle("c", Accepted());
  EXPECT_EQ(Claim("d"), Verdict::kMine);
  EXPECT_EQ(keys_.size(), 3u);
  EXPECT_EQ(Claim("c"), Verdict::kDone) << "younger than b";
  Settle("a", Accepted());
  EXPECT_EQ(Claim("a"), Verdict::kDone) << "what is in flight is never forgotten";
}

TEST_F(IdempotencyTest, KeysInFlightFillItUp) {
  for (const char* key : {"a", "b", "c"}) ASSERT_EQ(Claim(key), Verdict::kMine);
  EXPECT_EQ(Claim("d"), Verdict::kFull);
  Settle("b", Busy());
  EXPECT_EQ(Claim("d"), Verdict::kMine);
}

TEST_F(IdempotencyTest, BoundHoldsForManyKeys) {
  for (int i = 0; i < 1000; ++i) {
    const std::string key = absl::StrCat("k", i);
    ASSERT_EQ(Claim(key), Verdict::kMine);
    Settle(key, Accepted());
    ASSERT_LE(keys_.size(), 3u);
  }
}

TEST_F(IdempotencyTest, A15_KeyForgottenBeforeItsTimeIsCounted) {
  EXPECT_EQ(forgotten(), 0) << "there from the start";
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    ASSERT_EQ(Claim(key), Verdict::kMine);
    Settle(key, Accepted());
  }
  EXPECT_EQ(forgotten(), 2);
  EXPECT_EQ(Claim("a"), Verdict::kMine) << "it would be sent again";
  EXPECT_EQ(forgotten(), 3);
}

TEST_F(IdempotencyTest, A15_KeyWhoseTimeIsOverIsNotCounted) {
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_EQ(Claim(key), Verdict::kMine);
    Settle(key, Accepted());
  }
  ASSERT_EQ(Claim("freed"), Verdict::kMine);
  Settle("freed", Busy());
  const double before = forgotten();
  clock_.Advance(Hours(24));
  for (const char* key : {"d", "e", "f"}) EXPECT_EQ(Claim(key), Verdict::kMine);
  EXPECT_EQ(forgotten(), before);
}

TEST_F(IdempotencyTest, A15_BytesAreBoundedToo) {
  constexpr std::size_t kBytes = 64 << 10;
  Idempotency keys(clock_, metrics_, {1000, kBytes});
  const auto claim = [&](const std::string& key) {
    return Start(keys.Claim("main", key, "f", In(Seconds(1)))).value().verdict;
  };
  model::Delivery large = Accepted();
  for (int i = 0; i < 16; ++i) large.labels[absl::StrCat("label", i)] = std::string(512, 'x');
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrCat("k", i);
    ASSERT_EQ(claim(key), Verdict::kMine);
    keys.Settle("main", key, large);
    ASSERT_LE(keys.bytes(), kBytes);
    ASSERT_EQ(claim(key), Verdict::kDone) << "the newest is there";
  }
  EXPECT_LT(keys.size(), 8u);
  EXPECT_EQ(forgotten(), static_cast<double>(100 - keys.size()));
  // What is left when all are gone is nothing.
  clock_.Advance(Hours(25));
  ASSERT_EQ(claim("last"), Verdict::kMine);
  keys.Settle("main", "last", Busy());
  EXPECT_EQ(keys.bytes(), 0u);
  EXPECT_EQ(keys.size(), 0u);
}

TEST_F(IdempotencyTest, A15_KeyInFlightIsNeverForgottenForBytes) {
  Idempotency keys(clock_, metrics_, {1000, 16 << 10});
  const auto claim = [&](const std::string& key) {
    return Start(keys.Claim("main", key, "f", In(Seconds(1)))).value().verdict;
  };
  int in_flight = 0;
  while (claim(absl::StrCat("k", in_flight)) == Verdict::kMine) ++in_flight;
  EXPECT_GT(in_flight, 5);
  EXPECT_EQ(claim(absl::StrCat("k", in_flight)), Verdict::kFull);
  EXPECT_EQ(keys.size(), static_cast<std::size_t>(in_flight));
  EXPECT_EQ(forgotten(), 0);
  for (int i = 0; i < in_flight; ++i) keys.Settle("main", absl::StrCat("k", i), Busy());
  EXPECT_EQ(keys.bytes(), 0u);
}

// What docs/api.md promises for ordinary messages.
TEST_F(IdempotencyTest, A15_HundredThousandOrdinaryKeysFit) {
  Idempotency keys(clock_, metrics_);
  model::Delivery ordinary = Accepted();
  ordinary.id = std::string(26, '0');
  ordinary.account = "main";
  ordinary.openid = std::string(28, 'o');
  ordinary.labels = {{"campaign", "spring"}, {"order", "1024"}};
  constexpr std::size_t kSome = 500;  // so many say how much room the others take
  for (std::size_t i = 0; i < kSome; ++i) {
    const std::string key = absl::StrCat("order-", 10000000 + i, "-shipped");
    ordinary.idempotency_key = key;
    ASSERT_EQ(Start(keys.Claim("main", key, std::string(32, 'f'), In(Seconds(1)))).value().verdict,
              Verdict::kMine);
    keys.Settle("main", key, ordinary);
  }
  EXPECT_EQ(keys.size(), kSome);
  const Idempotency::Bounds bounds;
  EXPECT_EQ(bounds.keys, 100000u);
  EXPECT_LE(keys.bytes() / kSome * bounds.keys, bounds.bytes);
}

TEST_F(IdempotencyTest, TwinGetsItsAnswerAlthoughTheKeyMadeRoomMeanwhile) {
  Idempotency one(clock_, metrics_, {1});
  ASSERT_EQ(Start(one.Claim("main", "a", "f", In(Seconds(1)))).value().verdict, Verdict::kMine);
  auto twin = Start(one.Claim("main", "a", "f", In(Seconds(1))));
  // Another key's claim stands before the twin's awakening in the loop's queue.
  std::optional<Verdict> other;
  boost::asio::co_spawn(loop_.context(), one.Claim("main", "b", "f", In(Seconds(1))),
                        [&](std::exception_ptr, Claimed claimed) { other = claimed.verdict; });
  one.Settle("main", "a", Accepted());
  clock_.Settle();
  EXPECT_EQ(other, Verdict::kMine);
  EXPECT_EQ(twin.value().verdict, Verdict::kDone);
}

struct Ending {
  const char* name;
  model::Delivery result;
  bool remembered;
};

class UsesKeyUpTest : public IdempotencyTest, public ::testing::WithParamInterface<Ending> {};

TEST_P(UsesKeyUpTest, IsItsLastWordOrNot) {
  EXPECT_EQ(UsesKeyUp(GetParam().result), GetParam().remembered);
  ASSERT_EQ(Claim("k"), Verdict::kMine);
  Settle("k", GetParam().result);
  EXPECT_EQ(Claim("k"), GetParam().remembered ? Verdict::kDone : Verdict::kMine);
}

INSTANTIATE_TEST_SUITE_P(
    , UsesKeyUpTest,
    ::testing::Values(
        Ending{"Accepted", Accepted(), true},
        Ending{"G04_Unknown",
               Result(model::DeliveryState::kUnknown,
                      ErrorBuilder(StatusCode::kUnknown, Reason::kOutcomeUnknown, "")),
               true},
        Ending{"G04_UnknownByDeadline",
               Result(model::DeliveryState::kUnknown,
                      ErrorBuilder(StatusCode::kDeadlineExceeded, Reason::kOutcomeUnknown, "")),
               true},
        Ending{"NotSubscribed", Failed(StatusCode::kFailedPrecondition, Reason::kNotSubscribed),
               true},
        Ending{"WindowClosed",
               Failed(StatusCode::kFailedPrecondition, Reason::kResponseWindowClosed), true},
        Ending{"Duplicate", Failed(StatusCode::kAlreadyExists, Reason::kDuplicateMessage), true},
        Ending{"UnknownErrcode", Failed(StatusCode::kUnknown, Reason::kWechatError), true},
        Ending{"Busy", Busy(), false},
        Ending{"Unreachable", Failed(StatusCode::kUnavailable, Reason::kWechatUnreachable, 0),
               false},
        Ending{"TokenRejected", Failed(StatusCode::kUnavailable, Reason::kAccessTokenRejected, 2),
               false},
        Ending{"Throttled", Failed(StatusCode::kResourceExhausted, Reason::kThrottled), false},
        Ending{"Quota", Failed(StatusCode::kResourceExhausted, Reason::kQuotaExhausted), false},
        Ending{"DeadlineTooShort",
               Failed(StatusCode::kDeadlineExceeded, Reason::kDeadlineTooShort, 0), false},
        Ending{"Cancelled", Failed(StatusCode::kCancelled, Reason::kCancelled, 0), false},
        Ending{"G01_RefusedByUs", Failed(StatusCode::kInvalidArgument, Reason::kInvalidRequest, 0),
               false},
        Ending{"BrokenCredentials",
               Failed(StatusCode::kFailedPrecondition, Reason::kAccountConfig, 0), false},
        Ending{"Expired",
               Result(model::DeliveryState::kExpired,
                      base::InvalidField("expire_time", "has passed", "已过期"), 0),
               false}),
    [](const auto& info) { return info.param.name; });

// --- fingerprints

model::Notification Text(const std::string& content, const std::string& kf_account = "") {
  model::Notification notification;
  notification.openid = "o1";
  notification.message = wechat::Compile(wechat::TextMessage{content, kf_account});
  return notification;
}

model::Notification Compiled(const wechat::TemplateMessage& message) {
  model::Notification notification = Text("");
  notification.message = wechat::Compile(message);
  return notification;
}

model::Notification Template(std::map<std::string, std::string> data, const std::string& url = "") {
  return Compiled(wechat::TemplateMessage{"tmpl", std::move(data), url, "", ""});
}

TEST(Fingerprint, IsEqualWhateverTheKeyAndTheTimeLimits) {
  model::Notification other = Text("hi");
  other.idempotency_key = "k";
  other.expire_time = absl::UnixEpoch() + Hours(24 * 365 * 60);
  EXPECT_EQ(Fingerprint(Text("hi")), Fingerprint(other));
  EXPECT_EQ(Fingerprint(Template({{"a", "1"}, {"b", "2"}})),
            Fingerprint(Template({{"b", "2"}, {"a", "1"}})));
}

TEST(Fingerprint, DiffersWithEveryPartOfTheMessage) {
  std::vector<model::Notification> all = {Text("hi"),
                                          Text("ho"),
                                          Text(""),
                                          Text("hi", "kf"),
                                          Text("h", "i"),
                                          Text("hik", "f"),
                                          Template({{"a", "1"}}),
                                          Template({{"a", "2"}}),
                                          Template({{"a1", ""}}),
                                          Template({{"", "a1"}}),
                                          Template({{"a", "1"}, {"b", "2"}}),
                                          Template({{"a", "1b2"}}),
                                          Template({{"a", "1"}}, "http://x"),
                                          Template({{"a", "1:b"}}),
                                          Template({})};
  all.push_back(Text("hi"));
  all.back().openid = "o2";
  using Message = wechat::TemplateMessage;
  all.push_back(Compiled(Message{"other", {{"a", "1"}}, "", "", ""}));
  all.push_back(Compiled(Message{"tmpl", {{"a", "1"}}, "", "app", ""}));
  all.push_back(Compiled(Message{"tmpl", {{"a", "1"}}, "", "app", "path"}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_NE(Fingerprint(all[i]), Fingerprint(all[j])) << i << " and " << j;
  }
}

}  // namespace
}  // namespace hongyan::core
