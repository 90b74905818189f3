// The life of an access_token: fetched once, renewed ahead, replaced when refused, kept while
// renewal fails.
#include "server/wechat/access_token.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/wechat_test.h"

namespace hongyan::wechat {
namespace {

using absl::Minutes;
using absl::Seconds;
using absl::StatusCode;
using support::BreaksAfterSending;
using support::Held;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::kClassicTokenPath;
using support::kStableTokenPath;
using support::NeverAnswers;
using support::Refuses;
using support::Reply;
using support::Slowly;
using support::StatusIs;
using support::Token;
using ::testing::HasSubstr;
using ::testing::Not;

using Got = absl::StatusOr<AccessToken::Current>;

MATCHER_P(Is, token, "is the token " + std::string(token)) {
  if (!arg.ok()) {
    *result_listener << support::Describe(arg.status());
    return false;
  }
  *result_listener << "which is " << arg->token.Reveal();
  return arg->token.Reveal() == token;
}

bool IsForced(const support::FakeHttpClient::Request& request) {
  return absl::StrContains(request.body, R"("force_refresh":true)");
}

class AccessTokenTest : public support::WechatTest {
 protected:
  void AnswersToken(const std::string& token, absl::Duration life = Seconds(7200)) {
    http_.Always(kStableTokenPath, Token(token, life));
  }
  // A new token "t1", "t2" … for each request.
  void AnswersNewTokens(absl::Duration life = Seconds(7200),
                        absl::Duration after = absl::ZeroDuration()) {
    http_.Respond(kStableTokenPath, [this, life, after](const auto&) {
      return Slowly(after, Token(absl::StrCat("t", ++made_), life));
    });
  }
  // Normal mode gives back the same token until a forced refresh makes "f1", "f2" …
  void SticksToItsToken() {
    http_.Respond(kStableTokenPath, [this](const auto& request) {
      if (IsForced(request)) current_ = absl::StrCat("f", ++made_);
      return Token(current_);
    });
  }
  void Answers(Reply reply) { http_.Always(kStableTokenPath, std::move(reply)); }

  Got Get(absl::Duration within = Seconds(30)) { return Await(token_.Get(In(within))); }
  Got Replace(std::uint64_t generation, absl::Duration within = Seconds(30)) {
    return Await(token_.Replace(generation, In(within)));
  }
  std::size_t fetches() const { return http_.count(kStableTokenPath); }
  std::size_t forced() const {
    std::size_t count = 0;
    for (const auto& request : http_.requests(kStableTokenPath)) count += IsForced(request) ? 1 : 0;
    return count;
  }

  int made_ = 0;
  std::string current_ = "t1";
  AccessToken token_{OptionsOf("main"), transport_, clock_, metrics_, group_};
};

TEST_F(AccessTokenTest, T01_FiveHundredCallersCauseOneFetch) {
  Answers(Slowly(Seconds(2), Token("t1")));
  std::vector<support::Started<Got>> callers;
  for (int i = 0; i < 500; ++i) callers.push_back(Start(token_.Get(In(Seconds(5)))));
  clock_.Advance(Seconds(2));
  for (const auto& caller : callers) EXPECT_THAT(caller.value(), Is("t1"));
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, T01_CallersWaitWithinTheirOwnDeadlines) {
  Answers(Slowly(Seconds(2), Token("t1")));
  auto hasty = Start(token_.Get(In(absl::Milliseconds(400))));
  auto patient = Start(token_.Get(In(Seconds(3))));
  clock_.Advance(absl::Milliseconds(399));
  EXPECT_FALSE(hasty.done());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(hasty.value(), StatusIs(StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT"));
  EXPECT_FALSE(patient.done());
  clock_.Advance(Seconds(2));
  EXPECT_THAT(patient.value(), Is("t1"));
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, CallerThatLeavesDoesNotDisturbTheOthers) {
  Answers(Slowly(Seconds(2), Token("t1")));
  auto first = Start(token_.Get(In(Seconds(5))));
  auto second = Start(token_.Get(In(Seconds(5))));
  clock_.Advance(Seconds(1));
  first.Cancel();
  EXPECT_THAT(first.value(), StatusIs(StatusCode::kCancelled, "CANCELLED"));
  EXPECT_FALSE(second.done());
  clock_.Advance(Seconds(1));
  EXPECT_THAT(second.value(), Is("t1"));
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, FetchThatEverybodyLeftIsOfUseToTheNext) {
  Answers(Slowly(Seconds(2), Token("t1")));
  auto caller = Start(token_.Get(In(Seconds(5))));
  caller.Cancel();
  clock_.Advance(Seconds(2));
  auto next = Start(token_.Get(In(Seconds(5))));
  EXPECT_THAT(next.value(), Is("t1"));
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, WorkingTokenComesFromMemory) {
  AnswersNewTokens();
  EXPECT_THAT(Get(), Is("t1"));
  clock_.Advance(Seconds(6000));
  auto again = Start(token_.Get(In(Seconds(1))));
  EXPECT_THAT(again.value(), Is("t1"));
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, ExpiredTokenIsNotHandedOut) {
  AnswersNewTokens();
  EXPECT_THAT(Get(), Is("t1"));
  clock_.Advance(Seconds(7200));
  EXPECT_FALSE(token_.has_token());
  EXPECT_THAT(Get(), Is("t2"));
}

TEST_F(AccessTokenTest, C01_WallClockThatJumpsChangesNothing) {
  AnswersNewTokens();
  EXPECT_THAT(Get(), Is("t1"));
  clock_.JumpWallTime(absl::Hours(24));
  EXPECT_THAT(Get(), Is("t1"));
  clock_.JumpWallTime(-absl::Hours(72));
  clock_.Advance(Seconds(7200));
  EXPECT_THAT(Get(), Is("t2"));
}

TEST_F(AccessTokenTest, T02_FiveHundredRefusalsCauseOneFetch) {
  AnswersNewTokens(Seconds(7200), Seconds(1));
  const Got first = Get();
  ASSERT_THAT(first, Is("t1"));
  std::vector<support::Started<Got>> callers;
  for (int i = 0; i < 500; ++i) {
    callers.push_back(Start(token_.Replace(first->generation, In(Seconds(5)))));
  }
  clock_.Advance(Seconds(1));
  for (const auto& caller : callers) {
    EXPECT_THAT(caller.value(), Is("t2"));
    EXPECT_NE(caller.value()->generation, first->generation);
  }
  EXPECT_EQ(fetches(), 2u);
}

TEST_F(AccessTokenTest, T02_NobodyGetsARefusedTokenWhileItIsReplaced) {
  Answers(Token("t1"));
  const Got first = Get();
  Answers(Slowly(Seconds(1), Token("t2")));
  auto refused = Start(token_.Replace(first->generation, In(Seconds(5))));
  auto other = Start(token_.Get(In(Seconds(5))));
  EXPECT_FALSE(other.done());
  clock_.Advance(Seconds(1));
  EXPECT_THAT(refused.value(), Is("t2"));
  EXPECT_THAT(other.value(), Is("t2"));
}

TEST_F(AccessTokenTest, T03_RefusalOfAnOldTokenLeavesTheNewOne) {
  AnswersNewTokens();
  const Got first = Get();
  const Got second = Replace(first->generation);
  ASSERT_THAT(second, Is("t2"));
  auto late = Start(token_.Replace(first->generation, In(Seconds(1))));
  EXPECT_THAT(late.value(), Is("t2"));
  EXPECT_THAT(Get(), Is("t2"));
  EXPECT_EQ(fetches(), 2u);
}

TEST_F(AccessTokenTest, T04_RefusedTokenHandedBackCausesOneForcedRefresh) {
  SticksToItsToken();
  const Got first = Get();
  ASSERT_THAT(first, Is("t1"));
  const Got second = Replace(first->generation);
  EXPECT_THAT(second, Is("f1"));
  EXPECT_NE(second->generation, first->generation);
  EXPECT_EQ(forced(), 1u);
  EXPECT_EQ(fetches(), 3u);
  EXPECT_THAT(Get(), Is("f1"));
}

TEST_F(AccessTokenTest, T04_NewTokenOfTheNormalModeNeedsNoForce) {
  AnswersNewTokens();
  const Got first = Get();
  EXPECT_THAT(Replace(first->generation), Is("t2"));
  EXPECT_EQ(forced(), 0u);
}

TEST_F(AccessTokenTest, T04_ForcedRefreshesAreThirtySecondsApart) {
  SticksToItsToken();
  Got current = Replace(Get()->generation);
  ASSERT_THAT(current, Is("f1"));
  clock_.Advance(Seconds(29));
  const Got early = Replace(current->generation);
  EXPECT_THAT(early, StatusIs(StatusCode::kUnavailable, "ACCESS_TOKEN_REJECTED"));
  EXPECT_TRUE(base::GetRetryDelay(early.status()).has_value());
  EXPECT_EQ(forced(), 1u);
  clock_.Advance(Seconds(2));
  EXPECT_THAT(Replace(current->generation), Is("f2"));
  EXPECT_EQ(forced(), 2u);
}

TEST_F(AccessTokenTest, T04_TenForcedRefreshesADay) {
  SticksToItsToken();
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(Minutes(5));
    if (!Replace(Get()->generation).ok()) ++refused;
  }
  EXPECT_EQ(refused, 30);
  EXPECT_EQ(forced(), 10u);
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(Replace(Get()->generation), Is("f11"));
}

TEST_F(AccessTokenTest, T04_RefusalDuringARenewalThatBringsTheSameTokenIsForcedToo) {
  const auto renewal = [&] { group_.Spawn(token_.KeepFresh()); };
  Answers(Token("t1"));
  renewal();
  clock_.Settle();
  http_.Respond(kStableTokenPath, [](const auto& request) {
    return IsForced(request) ? Token("f1") : Held(Token("t1"));
  });
  while (fetches() < 2) ASSERT_TRUE(clock_.AdvanceToNextAlarm());  // a renewal is under way
  auto refused = Start(token_.Replace(Get()->generation, In(Seconds(5))));
  http_.Release();
  clock_.Settle();
  EXPECT_THAT(refused.value(), Is("f1"));
  EXPECT_EQ(forced(), 1u);
}

// Everything that may go wrong with a renewal that isn't the account's fault.
struct Trouble {
  const char* name;
  Reply reply;
  const char* reason;
  bool front = false;  // no words of WeChat's
};

class RenewalTrouble : public AccessTokenTest, public ::testing::WithParamInterface<Trouble> {};

TEST_P(RenewalTrouble, T05_KeepsTheTokenUntilItExpires) {
  AnswersToken("t1");
  group_.Spawn(token_.KeepFresh());
  ASSERT_THAT(Get(), Is("t1"));
  Answers(GetParam().reply);
  clock_.Advance(Seconds(7000));
  EXPECT_GT(fetches(), 1u);
  for (int i = 0; i < 18; ++i) {
    clock_.Advance(Seconds(10));
    auto got = Start(token_.Get(In(Seconds(1))));
    EXPECT_THAT(got.value(), Is("t1"));
    EXPECT_TRUE(token_.has_token());
  }
  EXPECT_THAT(token_.last_error(), Not(IsOk()));
  clock_.Advance(Seconds(21));
  EXPECT_THAT(Get(), StatusIs(StatusCode::kUnavailable, GetParam().reason));
}

TEST_P(RenewalTrouble, T06_DeadTokenIsUnavailableAndRecoversByItself) {
  Answers(GetParam().reply);
  group_.Spawn(token_.KeepFresh());
  EXPECT_THAT(Get(), StatusIs(StatusCode::kUnavailable, GetParam().reason));
  EXPECT_FALSE(token_.has_token());
  clock_.Advance(Minutes(10));
  // A request every five seconds, or as often as each takes ten to fail; not a storm.
  EXPECT_LE(fetches(), 125u);
  EXPECT_GE(fetches(), 30u);
  AnswersToken("t1");
  clock_.Advance(Seconds(10));
  auto got = Start(token_.Get(In(Seconds(1))));
  EXPECT_THAT(got.value(), Is("t1"));
  EXPECT_THAT(token_.last_error(), IsOk());
}

TEST_P(RenewalTrouble, T06_FailureIsAnsweredFromMemoryForASecondAtLeast) {
  Answers(GetParam().reply);
  EXPECT_THAT(Get(), StatusIs(StatusCode::kUnavailable, GetParam().reason));
  clock_.Advance(absl::Milliseconds(900));
  auto again = Start(token_.Get(In(Seconds(30))));
  EXPECT_THAT(again.value(), StatusIs(StatusCode::kUnavailable, GetParam().reason));
  EXPECT_EQ(fetches(), 1u);
  AnswersToken("t1");
  clock_.Advance(absl::Milliseconds(200));
  EXPECT_THAT(Get(), Is("t1"));
}

INSTANTIATE_TEST_SUITE_P(
    , RenewalTrouble,
    ::testing::Values(Trouble{"Busy", Refuses(-1), "WECHAT_BUSY"},
                      Trouble{"Timeout", NeverAnswers(), "WECHAT_UNREACHABLE"},
                      Trouble{"Refused", support::ConnectionRefused(), "WECHAT_UNREACHABLE"},
                      Trouble{"Reset", BreaksAfterSending(), "WECHAT_UNREACHABLE"}),
    [](const auto& info) { return info.param.name; });

// Answers that a repeat is not likely to change.
class OddAnswer : public AccessTokenTest, public ::testing::WithParamInterface<Trouble> {};

TEST_P(OddAnswer, A16_IsAskedForLessAndLess) {
  Answers(GetParam().reply);
  group_.Spawn(token_.KeepFresh());
  const Got got = Get();
  EXPECT_EQ(base::GetReason(got.status()), GetParam().reason);
  clock_.Advance(absl::Hours(24));
  EXPECT_LE(fetches(), GetParam().front ? 1100u : 320u) << "WeChat allows 2000 a day";
  EXPECT_GE(fetches(), 140u) << "every ten minutes at least";
}

TEST_P(OddAnswer, A16_EndsWithTheFirstTokenAndBeginsAnewAfterwards) {
  Answers(GetParam().reply);
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(absl::Hours(2));
  AnswersToken("t1", Seconds(1200));
  clock_.Advance(Minutes(10));
  ASSERT_TRUE(token_.has_token());
  // A working token is never thrown away for it.
  Answers(GetParam().reply);
  clock_.Advance(Minutes(9));
  EXPECT_THAT(Get(), Is("t1"));
  // The first pauses are short again.
  const std::size_t before = fetches();
  clock_.Advance(Minutes(5));
  EXPECT_GE(fetches(), before + 1);
}

// A new process remembers none of it.
TEST_P(OddAnswer, A16_AfterARestartItIsAskedAtOnce) {
  Answers(GetParam().reply);
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(absl::Hours(1));
  group_.CancelAll();
  clock_.Settle();
  const std::size_t before = fetches();
  AccessToken restarted(OptionsOf("main"), transport_, clock_, metrics_, group_);
  group_.Spawn(restarted.KeepFresh());
  clock_.Settle();
  EXPECT_EQ(fetches(), before + 1);
  group_.CancelAll();
  clock_.Settle();
}

INSTANTIATE_TEST_SUITE_P(
    , OddAnswer,
    ::testing::Values(Trouble{"UnknownErrcode", Refuses(99999), "WECHAT_ERROR"},
                      Trouble{"Internal", Refuses(41001), "WECHAT_ERROR"},
                      Trouble{"WrongPath", Refuses(40066), "WECHAT_ERROR"},
                      Trouble{"Http404", HttpStatus(404), "WECHAT_ERROR"},
                      Trouble{"Http302", HttpStatus(302), "WECHAT_ERROR"},
                      Trouble{"Http408", HttpStatus(408), "WECHAT_UNREACHABLE", true},
                      Trouble{"Http500", HttpStatus(500), "WECHAT_UNREACHABLE", true},
                      Trouble{"Http502", HttpStatus(502), "WECHAT_UNREACHABLE", true},
                      Trouble{"Http503", HttpStatus(503), "WECHAT_UNREACHABLE", true},
                      Trouble{"Html", Json("<html></html>"), "WECHAT_UNREACHABLE", true},
                      Trouble{"Empty", Json(""), "WECHAT_UNREACHABLE", true},
                      Trouble{
                          "TooLarge",
                          {http::HttpFailure{http::HttpFailure::Kind::kTooLarge, true, "large"}},
                          "WECHAT_UNREACHABLE",
                          true},
                      Trouble{"KfFailed", Refuses(61450), "WECHAT_BUSY"},
                      Trouble{"BackendAway", Refuses(9001002), "WECHAT_BUSY"},
                      Trouble{"PlatformBusy", Refuses(268487001), "WECHAT_BUSY"},
                      Trouble{"NoToken", Json(R"({"expires_in":7200})"), "WECHAT_UNREACHABLE"},
                      Trouble{"SomebodyElse", Json(R"({"code":503})"), "WECHAT_UNREACHABLE"},
                      Trouble{"TokenRefused", Refuses(42001), "ACCESS_TOKEN_REJECTED"},
                      Trouble{"Quota", Refuses(45009), "QUOTA_EXHAUSTED"},
                      Trouble{"Rate", Refuses(45011), "THROTTLED"},
                      Trouble{"Http429", HttpStatus(429), "THROTTLED"},
                      Trouble{"Config", Refuses(40125), "ACCOUNT_CONFIG"}),
    [](const auto& info) { return info.param.name; });

TEST_F(AccessTokenTest, A16_OddAnswerOfOneMomentIsOverWithinSeconds) {
  http_.Next(kStableTokenPath, Refuses(99999));
  AnswersToken("t1");
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Seconds(6));
  EXPECT_TRUE(token_.has_token());
}

TEST_F(AccessTokenTest, A16_AnswersBetweenSilencesStillGrowRare) {
  int asked = 0;
  http_.Respond(kStableTokenPath, [&](const auto&) {
    return ++asked % 2 == 0 ? HttpStatus(502) : BreaksAfterSending();
  });
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(absl::Hours(24));
  EXPECT_LE(fetches() / 2, 1100u) << "of those that were answered";
}

TEST_F(AccessTokenTest, A16_T06_AFrontsErrorOfMinutesIsOverWithinSeconds) {
  Answers(HttpStatus(502));
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Minutes(10));
  AnswersToken("t1");
  clock_.Advance(Seconds(6));
  EXPECT_TRUE(token_.has_token());
}

TEST_F(AccessTokenTest, A16_RetryAfterOfTheFrontIsKept) {
  Answers({http::HttpResponse{429, "", std::chrono::seconds(300)}});
  const Got got = Get();
  EXPECT_THAT(got, StatusIs(StatusCode::kResourceExhausted, "THROTTLED"));
  EXPECT_EQ(base::GetRetryDelay(got.status()), Minutes(5));
  EXPECT_EQ(base::GetMetadata(got.status(), "api"), kStableTokenPath);
  AnswersToken("t1");
  clock_.Advance(Seconds(299));
  EXPECT_THAT(Get(), StatusIs(StatusCode::kResourceExhausted));
  clock_.Advance(Seconds(2));
  EXPECT_THAT(Get(), Is("t1"));
}

TEST_F(AccessTokenTest, A16_SilenceOfTheEndpointIsToldAsSuch) {
  Answers(NeverAnswers());
  auto caller = Start(token_.Get(In(Seconds(3))));
  clock_.Advance(Seconds(3));
  const Got first = caller.value();
  EXPECT_THAT(first, StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  EXPECT_THAT(std::string(first.status().message()), HasSubstr(kStableTokenPath));
  EXPECT_EQ(base::GetMetadata(first.status(), "api"), kStableTokenPath);
  EXPECT_TRUE(base::GetRetryDelay(first.status()).has_value());
  // Once a fetch has failed, nobody's deadline is to blame, however short.
  clock_.Advance(Seconds(4));
  ASSERT_EQ(fetches(), 1u);
  auto second = Start(token_.Get(In(absl::Milliseconds(100))));
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(second.value(), StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
}

// However short the callers' deadlines are, one after the other.
TEST_F(AccessTokenTest, A16_SilenceCountsFromTheStartOfTheRequest) {
  Answers(NeverAnswers());
  const auto hasty = [this] {
    auto caller = Start(token_.Get(In(absl::Milliseconds(400))));
    clock_.Advance(absl::Milliseconds(400));
    return caller.value();
  };
  EXPECT_THAT(hasty(), StatusIs(StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT"));
  for (int i = 0; i < 7; ++i) {
    const Got got = hasty();
    EXPECT_THAT(got, StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE")) << i;
    EXPECT_EQ(base::GetMetadata(got.status(), "api"), kStableTokenPath);
  }
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, BlotsOutEveryTokenThatMayStillWork) {
  http_.Next(kStableTokenPath, Token("tok/1+", Seconds(7200)));
  http_.Next(kStableTokenPath, Token("tok2", Seconds(7200)));
  http_.Next(kStableTokenPath, Token("tok3", Seconds(7200)));
  const Got first = Get();
  ASSERT_THAT(first, IsOk());
  const Got second = Replace(first->generation);
  ASSERT_THAT(second, Is("tok2"));
  ASSERT_THAT(Replace(second->generation), Is("tok3"));
  const auto blotted = [this](std::string text) {
    token_.Blot(&text);
    return text;
  };
  EXPECT_EQ(blotted("a tok/1+ b tok%2F1%2B c tok2 d tok3 e"),
            "a (access_token) b (access_token) c (access_token) d (access_token) e");
  clock_.Advance(Seconds(7200));
  EXPECT_EQ(blotted("tok2"), "(access_token)") << "WeChat takes it for some minutes more";
  clock_.Advance(Minutes(6));
  EXPECT_EQ(blotted("tok2"), "tok2") << "dead";
  EXPECT_LE(blotted(std::string(1 << 20, 'x')).size(), std::size_t{64 << 10});
}

TEST_F(AccessTokenTest, FormerTokenInTheAnswerForANewOneIsBlottedOut) {
  http_.Next(kStableTokenPath, Token("canary-token-one"));
  http_.Next(kStableTokenPath, Token("canary-token-two"));
  const Got first = Get();
  const Got second = Replace(first->generation);
  ASSERT_THAT(second, Is("canary-token-two"));
  Answers(Refuses(40125, "secret of canary-token-one and canary-token-two"));
  const Got got = Replace(second->generation);
  ASSERT_THAT(got, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(got.status().ToString(absl::StatusToStringMode::kWithEverything),
              Not(HasSubstr("canary")));
}

class AccountConfig : public AccessTokenTest, public ::testing::WithParamInterface<int> {};

TEST_P(AccountConfig, T07_IsRememberedForAMinuteAndThenLonger) {
  Answers(Refuses(GetParam()));
  const auto is_config = StatusIs(StatusCode::kFailedPrecondition, "ACCOUNT_CONFIG");
  EXPECT_THAT(Get(), is_config);
  clock_.Advance(Seconds(59));
  auto from_memory = Start(token_.Get(In(Seconds(30))));
  EXPECT_THAT(from_memory.value(), is_config);
  EXPECT_EQ(fetches(), 1u);
  clock_.Advance(Seconds(2));
  EXPECT_THAT(Get(), is_config);
  EXPECT_EQ(fetches(), 2u);
  clock_.Advance(Seconds(61));
  EXPECT_THAT(Get(), is_config);
  EXPECT_EQ(fetches(), 2u) << "the pause grows";
  AnswersToken("t1");
  clock_.Advance(Minutes(10));
  EXPECT_THAT(Get(), Is("t1"));
}

INSTANTIATE_TEST_SUITE_P(, AccountConfig,
                         ::testing::Values(40164, 40013, 40125, 40243, 40001, 40002, 41002, 41004,
                                           50004, 50007, 89503, 89506, 89507),
                         ::testing::PrintToStringParamName());

TEST_F(AccessTokenTest, T07_AddressThatWechatSawIsInTheError) {
  Answers(Refuses(40164, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"));
  const Got got = Get();
  EXPECT_THAT(got, StatusIs(StatusCode::kFailedPrecondition, "ACCOUNT_CONFIG"));
  EXPECT_EQ(base::GetMetadata(got.status(), "address"), "203.0.113.9");
  EXPECT_EQ(base::GetMetadata(got.status(), "errcode"), "40164");
  EXPECT_EQ(base::GetMetadata(got.status(), "rid"), support::kRid);
}

TEST_F(AccessTokenTest, T07_RefusedTokenIsNotUsedOnWhileFailingCredentialsAreLeftAlone) {
  AnswersToken("t1", Seconds(600));
  const Got first = Get();
  Answers(Refuses(40125));
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Seconds(500));
  ASSERT_GE(fetches(), 2u);
  ASSERT_THAT(Get(), Is("t1"));  // it lives, though it can't be renewed
  const std::size_t before = fetches();
  EXPECT_THAT(Replace(first->generation),
              StatusIs(StatusCode::kFailedPrecondition, "ACCOUNT_CONFIG"));
  EXPECT_THAT(Get(), StatusIs(StatusCode::kFailedPrecondition, "ACCOUNT_CONFIG"));
  EXPECT_EQ(fetches(), before);
  AnswersToken("t2");
  clock_.Advance(Minutes(11));
  EXPECT_THAT(Get(), Is("t2"));
}

TEST_F(AccessTokenTest, T07_OtherAccountsAreUnaffected) {
  AccessToken other(OptionsOf("other"), transport_, clock_, metrics_, group_);
  tokens_at_once_ = 2;
  http_.Respond(kStableTokenPath, [](const auto& request) {
    return absl::StrContains(request.body, "wx-other") ? Token("o1") : Refuses(40164);
  });
  group_.Spawn(token_.KeepFresh());
  EXPECT_THAT(Get(), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Await(other.Get(In(Seconds(1)))), Is("o1"));
}

TEST_F(AccessTokenTest, T08_EndlessRefusalsCauseABoundedNumberOfFetches) {
  AnswersNewTokens();
  Got current = Get();
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {  // a hundred seconds, ten calls in each
    clock_.Advance(absl::Milliseconds(100));
    const Got next = Replace(current->generation);
    if (next.ok()) {
      current = next;
    } else {
      ++refused;
      EXPECT_THAT(next, StatusIs(StatusCode::kUnavailable, "ACCESS_TOKEN_REJECTED"));
    }
  }
  EXPECT_GT(refused, 900);
  EXPECT_LE(fetches(), 25u);
}

// The fault is an older fetch whose answer comes last and overwrites the newer token. It takes two
// fetches under way, and an account never has two: callers, replacements and the renewal ahead of
// time share one, a forced fetch follows the normal one in the same task, and a fetch that takes
// too long has ended before the next begins. So what is tested is that no second one can be had,
// whoever asks and whenever; the fixture checks it after every other test as well.
TEST_F(AccessTokenTest, T09_NothingStartsASecondFetchBesideTheFirst) {
  Answers(Held(Token("t1")));
  group_.Spawn(token_.KeepFresh());
  auto get = Start(token_.Get(In(Seconds(5))));
  auto replace = Start(token_.Replace(0, In(Seconds(5))));
  clock_.Advance(Seconds(1));
  EXPECT_EQ(fetches(), 1u);
  http_.Release();
  clock_.Settle();
  EXPECT_THAT(get.value(), Is("t1"));
  EXPECT_EQ(http_.most_at_once(kStableTokenPath), 1);
}

TEST_F(AccessTokenTest, T09_AFetchThatIsGivenUpHasEndedBeforeTheNextBegins) {
  Answers(Held(Token("old")));
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Minutes(1));
  EXPECT_GE(fetches(), 3u);
  AnswersToken("new");
  clock_.Advance(Minutes(1));
  EXPECT_THAT(Get(), Is("new"));
  http_.Release();  // the old answers come, if anybody still listens
  clock_.Settle();
  EXPECT_THAT(Get(), Is("new"));
  EXPECT_EQ(http_.most_at_once(kStableTokenPath), 1);
}

TEST_F(AccessTokenTest, T10_ShortLivedTokenIsRenewedWithoutAStorm) {
  AnswersNewTokens(Seconds(300));
  group_.Spawn(token_.KeepFresh());
  for (int i = 0; i < 3000; ++i) {
    clock_.Advance(Seconds(1));
    auto got = Start(token_.Get(In(Seconds(1))));
    ASSERT_TRUE(got.done());
    ASSERT_THAT(got.value(), IsOk());
  }
  EXPECT_GE(fetches(), 10u);
  EXPECT_LE(fetches(), 40u);
}

TEST_F(AccessTokenTest, T10_LifeOfOneSecondDoesNotSpin) {
  AnswersNewTokens(Seconds(1));
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Seconds(10));
  EXPECT_LE(fetches(), 40u);
  EXPECT_THAT(Get(), IsOk());
}

TEST_F(AccessTokenTest, T10_LongTokensAreTakenUpTo1024Bytes) {
  for (const std::size_t size : {512u, 1024u}) {
    const std::string token(size, 'x');
    AnswersToken(token);
    EXPECT_THAT(Get(), Is(token));
    clock_.Advance(Seconds(7200));
  }
  AnswersToken(std::string(4096, 'x'));
  EXPECT_THAT(Get(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(AccessTokenTest, KeepFreshRenewsAheadSoThatNobodyWaits) {
  AnswersNewTokens(Seconds(7200), Seconds(2));
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Seconds(3));
  std::set<std::string> seen;
  for (int minutes = 0; minutes < 24 * 60; ++minutes) {
    clock_.Advance(Minutes(1));
    auto got = Start(token_.Get(In(Seconds(1))));
    ASSERT_TRUE(got.done());
    ASSERT_THAT(got.value(), IsOk());
    seen.insert(got.value()->token.Reveal());
  }
  EXPECT_GE(fetches(), 12u);
  EXPECT_LE(fetches(), 14u);
  EXPECT_GE(seen.size(), 12u);
}

TEST_F(AccessTokenTest, KeepFreshFetchesBeforeAnybodyAsks) {
  AnswersToken("t1");
  group_.Spawn(token_.KeepFresh());
  clock_.Settle();
  EXPECT_TRUE(token_.has_token());
  EXPECT_EQ(fetches(), 1u);
}

TEST_F(AccessTokenTest, KeepFreshAsksWhenThePlatformHasRotated) {
  // The platform hands out the old token until five minutes before its end.
  const async::MonoTime end = In(Seconds(7200));
  http_.Respond(kStableTokenPath, [this, end](const auto&) {
    const absl::Duration left = async::Between(clock_.Mono(), end);
    return left > Seconds(300) ? Token("old", left) : Token("new", Seconds(7200));
  });
  group_.Spawn(token_.KeepFresh());
  clock_.Advance(Seconds(7190));
  EXPECT_THAT(Get(), Is("new"));
  EXPECT_LE(fetches(), 3u);
}

TEST_F(AccessTokenTest, KeepFreshEndsWhenItIsCancelled) {
  for (const bool answered : {true, false}) {
    Answers(answered ? Token("t1") : NeverAnswers());
    group_.Spawn(token_.KeepFresh());
    clock_.Settle();
    group_.CancelAll();
    clock_.Settle();
    EXPECT_EQ(group_.size(), 0u);
    clock_.Advance(Seconds(7200));
  }
}

TEST_F(AccessTokenTest, ShutdownDuringAFetchWakesWhoeverWaits) {
  Answers(NeverAnswers());
  auto caller = Start(token_.Get(In(Seconds(30))));
  group_.CancelAll();
  clock_.Settle();
  EXPECT_THAT(caller.value(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(group_.size(), 0u);
}

// One place for renewals, and another account's fetch in it.
class FullGroupTest : public AccessTokenTest {
 protected:
  FullGroupTest() {
    Answers(Held(Token("others")));
    others_.emplace(Start(other_.Get(In(Seconds(5)))));
    clock_.Settle();
    EXPECT_EQ(fetches(), 1u);
  }
  void TearDown() override {
    one_.CancelAll();
    AccessTokenTest::TearDown();
  }
  void Frees() {
    http_.Release();
    clock_.Settle();
    EXPECT_THAT(others_->value(), Is("others"));
    AnswersToken("t1");
  }

  async::TaskGroup one_{loop_.executor(), clock_, 1};
  AccessToken other_{OptionsOf("other"), transport_, clock_, metrics_, one_};
  AccessToken main_{OptionsOf("main"), transport_, clock_, metrics_, one_};
  std::optional<support::Started<Got>> others_;
};

TEST_F(FullGroupTest, IsUnavailableAndRecoversWithTheNextCaller) {
  EXPECT_THAT(Await(main_.Get(In(Seconds(1)))), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(fetches(), 1u);
  Frees();
  clock_.Advance(Seconds(2));  // what failed is not tried again at once
  EXPECT_THAT(Await(main_.Get(In(Seconds(1)))), Is("t1"));
}

TEST_F(FullGroupTest, RecoversWithoutACallerToo) {
  group_.Spawn(main_.KeepFresh());
  clock_.Advance(Seconds(1));
  EXPECT_FALSE(main_.has_token());
  Frees();
  clock_.Advance(Seconds(5));
  EXPECT_TRUE(main_.has_token());
  EXPECT_EQ(fetches(), 2u);
}

TEST_F(AccessTokenTest, StableRequestIsThatOfTheReference) {
  AnswersToken("t1");
  ASSERT_THAT(Get(), Is("t1"));
  const auto request = http_.requests().front();
  EXPECT_EQ(request.url, "https://api.example/cgi-bin/stable_token");
  EXPECT_EQ(request.method, http::HttpRequest::Method::kPost);
  EXPECT_EQ(request.body,
            R"({"grant_type":"client_credential","appid":"wx-main","secret":"canary-app-secret",)"
            R"("force_refresh":false})");
}

TEST_F(AccessTokenTest, S02_SecretsAreInNoError) {
  for (const Reply& reply :
       {Refuses(40164), Refuses(-1), HttpStatus(502), support::ConnectionRefused(),
        Json(R"({"access_token":"canary-token","expires_in":-5})"), Refuses(99999)}) {
    Answers(reply);
    const Got got = Get();
    ASSERT_THAT(got, Not(IsOk()));
    const std::string text = got.status().ToString(absl::StatusToStringMode::kWithEverything);
    EXPECT_THAT(text, Not(HasSubstr("canary")));
    clock_.Advance(absl::Hours(1));
  }
}

// Answers without ever suspending.
class InstantHttpClient final : public http::HttpClient {
 public:
  async::Task<http::HttpResult> Send(http::HttpRequest) override {
    co_return http::HttpResponse{200, R"({"access_token":"t1","expires_in":7200})"};
  }
};

TEST_F(AccessTokenTest, FetchThatEndsAtOnceIsAFetchToo) {
  InstantHttpClient instant;
  ApiTransport transport(instant, clock_, metrics_, {support::kHost}, support::kTimeout);
  AccessToken token(OptionsOf("main"), transport, clock_, metrics_, group_);
  EXPECT_THAT(Await(token.Get(In(Seconds(1)))), Is("t1"));
}

class ClassicTokenTest : public AccessTokenTest {
 protected:
  AccessToken::Options Options() { return {"main", "wx&1", base::Secret("s+c/r=t"), true}; }
  AccessToken classic_{Options(), transport_, clock_, metrics_, group_};
};

TEST_F(ClassicTokenTest, AsksTheClassicEndpointWithItsQueryEscaped) {
  http_.Always(kClassicTokenPath, Token("c1"));
  EXPECT_THAT(Await(classic_.Get(In(Seconds(1)))), Is("c1"));
  const auto request = http_.requests().front();
  EXPECT_EQ(request.url,
            "https://api.example/cgi-bin/token?grant_type=client_credential&appid=wx%261&"
            "secret=s%2Bc%2Fr%3Dt");
  EXPECT_EQ(request.method, http::HttpRequest::Method::kGet);
  EXPECT_EQ(request.body, "");
}

TEST_F(ClassicTokenTest, RefusedTokenIsReplacedByTheNextOne) {
  http_.Next(kClassicTokenPath, Token("c1"));
  http_.Next(kClassicTokenPath, Token("c2"));
  const Got first = Await(classic_.Get(In(Seconds(1))));
  EXPECT_THAT(Await(classic_.Replace(first->generation, In(Seconds(1)))), Is("c2"));
}

TEST_F(ClassicTokenTest, KnowsNoForce) {
  http_.Always(kClassicTokenPath, Token("c1"));
  const Got first = Await(classic_.Get(In(Seconds(1))));
  EXPECT_THAT(Await(classic_.Replace(first->generation, In(Seconds(1)))),
              StatusIs(StatusCode::kUnavailable, "ACCESS_TOKEN_REJECTED"));
  EXPECT_EQ(http_.count(kClassicTokenPath), 2u);
  EXPECT_EQ(http_.count(kStableTokenPath), 0u);
}

}  // namespace
}  // namespace hongyan::wechat
