// The order of failover, and the addresses that are passed over.
#include "server/wechat/api_transport.h"

#include <set>
#include <string>
#include <vector>

#include "tests/support/wechat_test.h"

namespace hongyan::wechat {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using support::Accepts;
using support::BreaksAfterSending;
using support::ConnectionRefused;
using support::FakeHttpClient;
using support::Held;
using support::HttpStatus;
using support::Json;
using support::KeepAliveDied;
using support::kTextPath;
using support::kUserPath;
using support::NeverAnswers;
using support::Refuses;
using support::Reply;
using support::Slowly;
using ::testing::ElementsAre;

using Outcome = Attempt::Outcome;

constexpr char kFirst[] = "https://one.example";
constexpr char kSecond[] = "https://two.example";

class ApiTransportTest : public support::WechatTest {
 protected:
  ApiRequest Text(absl::Duration within = Seconds(30)) {
    return {"main", kTextPath, "access_token=t1", R"({"touser":"o1"})", In(within)};
  }
  Attempt Call(absl::Duration within = Seconds(30)) { return Await(transport_.Call(Text(within))); }
  std::vector<std::string> Hosts() const {
    std::vector<std::string> hosts;
    for (const auto& request : http_.requests()) hosts.push_back(request.host);
    return hosts;
  }
  // How many of the last `count` tries went to the first address.
  std::size_t TriesOfFirst() const {
    std::size_t count = 0;
    for (const auto& host : Hosts()) count += host == kFirst ? 1 : 0;
    return count;
  }

  // What the first address says to everything from now on; the second accepts all.
  void FirstSays(const Reply& reply) {
    const auto respond = [reply](const FakeHttpClient::Request& request) {
      return request.host == kFirst ? reply : Accepts();
    };
    http_.Respond(kTextPath, respond);
    http_.Respond(kUserPath, respond);
  }
  Attempt Read(absl::Duration within = Seconds(30)) {
    ApiRequest read{"main", kUserPath, "access_token=t1", "", In(within)};
    read.harmless = true;
    return Await(transport_.Call(std::move(read)));
  }
  async::Task<bool> Probes() {
    co_await transport_.ProbeAddresses();
    co_return true;
  }
  // A send, and where it went.
  std::string SendsTo() {
    Call();
    return Hosts().back();
  }
  double PassedOver() {
    for (const auto& family : metrics_.registry().Collect()) {
      if (family.name == "hongyan_wechat_addresses_passed_over")
        return family.metric[0].gauge.value;
    }
    return -1;
  }

  ApiTransport transport_{http_, clock_, metrics_, {kFirst, kSecond}, support::kTimeout};
};

TEST_F(ApiTransportTest, RequestIsAddressPathAndQuery) {
  http_.Always(kTextPath, Accepts());
  http_.Always(kUserPath, Accepts());
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  Await(transport_.Call({"main", kUserPath, "", "", In(Seconds(1))}));
  EXPECT_EQ(http_.requests()[0].url,
            "https://one.example/cgi-bin/message/custom/send?access_token=t1");
  EXPECT_EQ(http_.requests()[0].method, http::HttpRequest::Method::kPost);
  EXPECT_EQ(http_.requests()[0].body, R"({"touser":"o1"})");
  EXPECT_EQ(http_.requests()[1].url, "https://one.example/cgi-bin/user/info");
  EXPECT_EQ(http_.requests()[1].method, http::HttpRequest::Method::kGet);
}

TEST_F(ApiTransportTest, S19_CodesThatNobodyKnowsDontMakeSeriesWithoutEnd) {
  for (int code = 700001; code <= 700100; ++code) {
    http_.Next(kTextPath, Refuses(code));
    ASSERT_EQ(Call().outcome, Outcome::kAnswered);
  }
  http_.Next(kTextPath, Refuses(45015));
  Call();
  std::set<std::string> labels;
  double odd = 0;
  for (const auto& family : metrics_.registry().Collect()) {
    if (family.name != "hongyan_wechat_requests_total") continue;
    for (const auto& metric : family.metric) {
      for (const auto& label : metric.label) {
        if (label.name != "errcode") continue;
        labels.insert(label.value);
        if (label.value == "unknown") odd = metric.counter.value;
      }
    }
  }
  EXPECT_EQ(labels.size(), 52u);
  EXPECT_EQ(labels.count("700001") + labels.count("45015") + labels.count("unknown"), 3u);
  EXPECT_EQ(odd, 50);
}

TEST_F(ApiTransportTest, N03_RefusedConnectionGoesOnToTheNextAddress) {
  http_.Down(kFirst);
  http_.Always(kTextPath, Accepts());
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst, kSecond));
  EXPECT_EQ(http_.requests()[1].url,
            "https://two.example/cgi-bin/message/custom/send?access_token=t1");
  EXPECT_EQ(http_.requests()[1].body, http_.requests()[0].body);
}

TEST_F(ApiTransportTest, N03_AllRefusedIsNotSentAfterOneTryEach) {
  http_.Down(kFirst);
  http_.Down(kSecond);
  EXPECT_EQ(Call().outcome, Outcome::kNotSent);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst, kSecond));
}

struct Final {
  const char* name;
  Reply reply;
  Outcome outcome;
};

class FinalAnswer : public ApiTransportTest, public ::testing::WithParamInterface<Final> {};

TEST_P(FinalAnswer, GoesNowhereElse) {
  http_.Next(kTextPath, GetParam().reply);
  EXPECT_EQ(Call().outcome, GetParam().outcome);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst));
}

INSTANTIATE_TEST_SUITE_P(, FinalAnswer,
                         ::testing::Values(Final{"Accepted", Accepts(), Outcome::kAnswered},
                                           Final{"Busy", Refuses(-1), Outcome::kAnswered},
                                           Final{"Http502", HttpStatus(502), Outcome::kUnknown},
                                           Final{"Http403", HttpStatus(403), Outcome::kRejected},
                                           Final{"Reset", BreaksAfterSending(), Outcome::kUnknown},
                                           Final{"KeepAliveDied", KeepAliveDied(),
                                                 Outcome::kUnknown},
                                           Final{"Timeout", NeverAnswers(), Outcome::kUnknown}),
                         [](const auto& info) { return info.param.name; });

TEST_F(ApiTransportTest, EachTryHasAtMostTheTimeout) {
  http_.Next(kTextPath, Slowly(Seconds(2), ConnectionRefused()));
  http_.Next(kTextPath, NeverAnswers());
  const async::MonoTime start = clock_.Mono();
  EXPECT_TRUE(Call().timed_out);
  const auto& requests = http_.requests();
  EXPECT_EQ(async::Between(requests[0].at, requests[0].deadline), Seconds(5));
  EXPECT_EQ(async::Between(requests[1].at, requests[1].deadline), Seconds(5));
  EXPECT_EQ(async::Between(start, clock_.Mono()), Seconds(7));
}

TEST_F(ApiTransportTest, AllTogetherEndByTheDeadline) {
  http_.Always(kTextPath, Slowly(Seconds(2), ConnectionRefused()));
  const async::MonoTime deadline = In(Milliseconds(3500));
  EXPECT_EQ(Call(Milliseconds(3500)).outcome, Outcome::kNotSent);
  EXPECT_EQ(clock_.Mono(), deadline);
  for (const auto& request : http_.requests()) EXPECT_LE(request.deadline, deadline);
}

TEST_F(ApiTransportTest, DeadlineThatEndedTheFirstTryAllowsNoSecond) {
  http_.Always(kTextPath, Slowly(Seconds(4), ConnectionRefused()));
  EXPECT_EQ(Call(Seconds(3)).outcome, Outcome::kNotSent);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst));
}

TEST_F(ApiTransportTest, CancelledCallTriesNoOtherAddress) {
  http_.Always(kTextPath, Slowly(Seconds(4), ConnectionRefused()));
  auto call = Start(transport_.Call(Text()));
  call.Cancel();
  EXPECT_TRUE(call.value().cancelled);
  EXPECT_EQ(call.value().outcome, Outcome::kNotSent);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst));
}

TEST_F(ApiTransportTest, N08_FiveFailuresInTenSecondsCloseAnAddressForThirty) {
  http_.Down(kFirst);
  http_.Always(kTextPath, Accepts());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Call().outcome, Outcome::kAnswered);
    clock_.Advance(Seconds(2));
  }
  EXPECT_EQ(TriesOfFirst(), 5u);
  for (int i = 0; i < 27; ++i) {
    EXPECT_EQ(Call().outcome, Outcome::kAnswered);
    clock_.Advance(Seconds(1));
  }
  EXPECT_EQ(TriesOfFirst(), 5u) << "nobody pays for the dead address meanwhile";
  clock_.Advance(Seconds(3));
  http_.Up(kFirst);
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  EXPECT_EQ(Hosts().back(), kFirst) << "the first address comes first again";
}

TEST_F(ApiTransportTest, N08_FailuresFarApartCloseNothing) {
  http_.Down(kFirst);
  http_.Always(kTextPath, Accepts());
  for (int i = 0; i < 20; ++i) {
    Call();
    clock_.Advance(Seconds(3));
  }
  EXPECT_EQ(TriesOfFirst(), 20u);
}

TEST_F(ApiTransportTest, N08_AllClosedMeansAllAreTried) {
  http_.Down(kFirst);
  http_.Down(kSecond);
  for (int i = 0; i < 5; ++i) Call();
  EXPECT_EQ(http_.requests().size(), 10u);
  http_.Up(kSecond);
  http_.Always(kTextPath, Accepts());
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  EXPECT_EQ(Hosts().back(), kSecond);
}

TEST_F(ApiTransportTest, N08_OnlyTheAddressThatFailedIsClosed) {
  http_.Down(kFirst);
  http_.Always(kTextPath, Accepts());
  for (int i = 0; i < 6; ++i) Call();
  EXPECT_EQ(TriesOfFirst(), 5u);
  http_.Always(kTextPath, Refuses(-1));
  EXPECT_EQ(Call().outcome, Outcome::kAnswered) << "busy is an answer, no failure of the address";
  EXPECT_EQ(Hosts().back(), kSecond);
}

TEST_F(ApiTransportTest, CancelledCallsAreNoFailuresOfTheAddress) {
  http_.Always(kTextPath, Slowly(Seconds(4), ConnectionRefused()));
  for (int i = 0; i < 10; ++i) {
    auto call = Start(transport_.Call(Text()));
    call.Cancel();
  }
  EXPECT_EQ(TriesOfFirst(), 10u);
}

TEST_F(ApiTransportTest, OneAddressAloneIsAlwaysTried) {
  ApiTransport alone(http_, clock_, metrics_, {kFirst}, support::kTimeout);
  http_.Down(kFirst);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Await(alone.Call(Text())).outcome, Outcome::kNotSent);
  EXPECT_EQ(TriesOfFirst(), 20u);
}

struct Trouble {
  const char* name;
  Reply reply;
};

class NoAnswer : public ApiTransportTest, public ::testing::WithParamInterface<Trouble> {};

TEST_P(NoAnswer, A10_CountsAgainstTheAddressAndTheNextCallBeginsWithTheOther) {
  FirstSays(GetParam().reply);
  EXPECT_EQ(Call().outcome, Outcome::kUnknown);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst)) << "what may have gone out goes nowhere else";
  EXPECT_EQ(PassedOver(), 1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  EXPECT_EQ(TriesOfFirst(), 1u);
  EXPECT_EQ(PassedOver(), 1);
}

INSTANTIATE_TEST_SUITE_P(, NoAnswer,
                         ::testing::Values(Trouble{"TimeOut", NeverAnswers()},
                                           Trouble{"Http500", HttpStatus(500)},
                                           Trouble{"Http502", HttpStatus(502)},
                                           Trouble{"Reset", BreaksAfterSending()},
                                           Trouble{"KeepAliveDied", KeepAliveDied()},
                                           Trouble{"Unintelligible", Json("<html>")}),
                         [](const auto& info) { return info.param.name; });

TEST_F(ApiTransportTest, A10_RefusalOfARequestSaysNothingOfTheAddress) {
  FirstSays(HttpStatus(403));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Call().outcome, Outcome::kRejected);
  EXPECT_EQ(TriesOfFirst(), 20u);
}

TEST_F(ApiTransportTest, A10_SendNeverProbesWhatTakesRequestsAndDoesNotAnswer) {
  FirstSays(NeverAnswers());
  Call();
  for (int i = 0; i < 60; ++i) {
    clock_.Advance(absl::Minutes(1));
    EXPECT_EQ(SendsTo(), kSecond);
  }
}

TEST_F(ApiTransportTest, A10_ReadProbesEvery30SecondsAndGoesOnToTheNextAddress) {
  FirstSays(NeverAnswers());
  Call();
  for (int round = 1; round <= 5; ++round) {
    clock_.Advance(Seconds(29));
    Read();
    EXPECT_EQ(TriesOfFirst(), static_cast<std::size_t>(round)) << "too early";
    clock_.Advance(Seconds(1));
    const async::MonoTime begun = clock_.Mono();
    EXPECT_EQ(Read().outcome, Outcome::kAnswered);
    EXPECT_EQ(async::Between(begun, clock_.Mono()), Seconds(2)) << "a fair time, no more";
    EXPECT_EQ(TriesOfFirst(), static_cast<std::size_t>(round + 1));
    EXPECT_EQ(Read().outcome, Outcome::kAnswered);
    EXPECT_EQ(Hosts().back(), kSecond) << "one call pays, not the next";
  }
}

TEST_F(ApiTransportTest, A10_OneCallAtATimeProbes) {
  FirstSays(HttpStatus(502));
  Call();
  clock_.Advance(Seconds(31));
  FirstSays(Held(Accepts()));
  ApiRequest read{"main", kUserPath, "", "", In(Seconds(30))};
  read.harmless = true;
  auto probe = Start(transport_.Call(read));
  EXPECT_EQ(Hosts().back(), kFirst);
  EXPECT_EQ(Read().outcome, Outcome::kAnswered);
  EXPECT_EQ(Hosts().back(), kSecond);
  EXPECT_FALSE(probe.done());
}

TEST_F(ApiTransportTest, A10_AnswerToAReadEndsIt) {
  FirstSays(HttpStatus(502));
  Call();
  FirstSays(Accepts());
  clock_.Advance(Seconds(31));
  EXPECT_EQ(SendsTo(), kSecond);
  EXPECT_EQ(Read().outcome, Outcome::kAnswered);
  EXPECT_EQ(Hosts().back(), kFirst);
  EXPECT_EQ(SendsTo(), kFirst);
  EXPECT_EQ(PassedOver(), 0);
}

TEST_F(ApiTransportTest, A10_LateAnswerToAnEarlierRequestDoesNotEndIt) {
  FirstSays(Held(Accepts()));
  auto early = Start(transport_.Call(Text()));
  FirstSays(HttpStatus(502));
  clock_.Advance(Seconds(1));
  Call();
  http_.Release();
  clock_.Settle();
  EXPECT_EQ(early.value().outcome, Outcome::kAnswered);
  EXPECT_EQ(SendsTo(), kSecond);
}

TEST_F(ApiTransportTest, A10_CallersInAHurryProbeNothing) {
  http_.Down(kFirst);
  http_.Always(kTextPath, Accepts());
  for (int i = 0; i < 5; ++i) Call();
  clock_.Advance(Seconds(31));
  Call(Seconds(3));
  EXPECT_EQ(Hosts().back(), kSecond);
  EXPECT_EQ(TriesOfFirst(), 5u);
  Call(Seconds(5));
  EXPECT_EQ(TriesOfFirst(), 6u);
}

TEST_F(ApiTransportTest, A10_WhenNoAddressAnswersEachIsTriedInTurn) {
  http_.Always(kTextPath, NeverAnswers());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(Call().outcome, Outcome::kUnknown);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst, kSecond, kFirst, kSecond, kFirst, kSecond));
}

TEST_F(ApiTransportTest, A10_WhatIsPassedOverIsTriedWhenNothingElseCanBeReached) {
  FirstSays(HttpStatus(502));
  Call();
  FirstSays(Accepts());
  http_.Down(kSecond);
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  EXPECT_THAT(Hosts(), ElementsAre(kFirst, kSecond, kFirst));
  EXPECT_EQ(SendsTo(), kFirst) << "it has answered";
}

TEST_F(ApiTransportTest, A10_ShortDeadlineSaysNothingOfTheAddress) {
  FirstSays(Slowly(Milliseconds(400), Accepts()));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Call(Milliseconds(300)).outcome, Outcome::kUnknown);
  clock_.Advance(Seconds(10));
  EXPECT_EQ(Call().outcome, Outcome::kAnswered);
  for (int i = 0; i < 4; ++i) Call(Milliseconds(300));
  EXPECT_EQ(TriesOfFirst(), 9u);
}

TEST_F(ApiTransportTest, A10_FiveInARowWhoGotNothingInTwoSecondsDo) {
  FirstSays(NeverAnswers());
  for (int i = 0; i < 14; ++i) EXPECT_EQ(Call(Milliseconds(150)).outcome, Outcome::kUnknown);
  EXPECT_EQ(Call(Milliseconds(150)).outcome, Outcome::kAnswered);
  EXPECT_EQ(TriesOfFirst(), 14u);
}

TEST_F(ApiTransportTest, A10_NorDoesAWaitForAConnectionOfOurOwn) {
  FirstSays(Reply{http::HttpFailure{http::HttpFailure::Kind::kBusy, false, "none came free"}});
  for (int i = 0; i < 10; ++i) {
    Call();
    clock_.Advance(Seconds(1));
  }
  EXPECT_EQ(TriesOfFirst(), 10u);
}

TEST_F(ApiTransportTest, A10_DeadlineThatLeftTheAddressAFairTimeDoes) {
  FirstSays(NeverAnswers());
  EXPECT_EQ(Call(Milliseconds(2500)).outcome, Outcome::kUnknown);
  EXPECT_EQ(SendsTo(), kSecond);
}

TEST_F(ApiTransportTest, A10_DeadlineOfASecondDoesOnceTheRequestHasLeft) {
  FirstSays(NeverAnswers());
  EXPECT_EQ(Call(Seconds(1)).outcome, Outcome::kUnknown);
  EXPECT_EQ(PassedOver(), 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Call(Seconds(1)).outcome, Outcome::kAnswered);
  EXPECT_EQ(TriesOfFirst(), 1u);
}

TEST_F(ApiTransportTest, A10_DeadlineOfASecondDoesNotWhereNothingLeft) {
  FirstSays(Slowly(Seconds(4), ConnectionRefused()));
  EXPECT_EQ(Call(Seconds(1)).outcome, Outcome::kNotSent);
  Call(Seconds(1));
  EXPECT_EQ(TriesOfFirst(), 2u);
}

TEST_F(ApiTransportTest, A10_ServiceThatOnlySendsComesBackToTheFirstAddress) {
  auto probes = Start(Probes());
  FirstSays(NeverAnswers());
  Call();
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(SendsTo(), kSecond);
  EXPECT_EQ(TriesOfFirst(), 19u) << "one every 30 s, each with 2 s";
  FirstSays(Refuses(41001));
  clock_.Advance(Seconds(35));
  EXPECT_EQ(PassedOver(), 0);
  FirstSays(Accepts());
  EXPECT_EQ(SendsTo(), kFirst);
  std::size_t texts = 0;
  for (const auto& request : http_.requests()) {
    if (request.host != kFirst) continue;
    if (request.path == kTextPath) {
      ++texts;
      continue;
    }
    EXPECT_EQ(request.url, "https://one.example/cgi-bin/user/info") << "no token, nobody's openid";
    EXPECT_EQ(request.method, http::HttpRequest::Method::kGet);
  }
  EXPECT_EQ(texts, 2u) << "no message finds out";
  const std::size_t before = http_.requests().size();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(http_.requests().size(), before) << "what answers is not probed";
  probes.Cancel();
  EXPECT_TRUE(probes.done());
}

TEST_F(ApiTransportTest, A10_AddressThatCannotBeConnectedToIsProbedForCallersInAHurry) {
  auto probes = Start(Probes());
  http_.Always(kTextPath, Accepts());
  http_.Always(kUserPath, Refuses(41001));
  http_.Down(kFirst);
  for (int i = 0; i < 5; ++i) Call(Seconds(1));
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(PassedOver(), 1);
  http_.Up(kFirst);
  clock_.Advance(Seconds(35));
  Call(Seconds(1));
  EXPECT_EQ(Hosts().back(), kFirst);
  probes.Cancel();
}

// It answers what is cheap and no send: each time that it is taken back may cost a message.
TEST_F(ApiTransportTest, A10_AddressThatRelapsesIsProbedLessAndLess) {
  auto probes = Start(Probes());
  http_.Respond(kUserPath, [](const auto&) { return Refuses(41001); });
  http_.Respond(kTextPath, [](const FakeHttpClient::Request& request) {
    return request.host == kFirst ? HttpStatus(502) : Accepts();
  });
  int unknown = 0;
  for (int second = 0; second < 3600; ++second) {
    unknown += Call().outcome == Outcome::kUnknown ? 1 : 0;
    clock_.Advance(Seconds(1));
  }
  EXPECT_LE(unknown, 11);
  EXPECT_GE(unknown, 6);
  probes.Cancel();
}

TEST_F(ApiTransportTest, A10_PageOfSomebodyElseIsNoAnswerToAProbe) {
  auto probes = Start(Probes());
  FirstSays(HttpStatus(502));
  Call();
  for (const Reply& reply :
       {Json("<html>"), Json("{}"), HttpStatus(403), HttpStatus(503), BreaksAfterSending()}) {
    FirstSays(reply);
    clock_.Advance(absl::Minutes(2));
    EXPECT_EQ(PassedOver(), 1);
  }
  probes.Cancel();
}

TEST_F(ApiTransportTest, A10_CallerWhoGaveUpAfterAFairTimeDoesToo) {
  FirstSays(NeverAnswers());
  auto call = Start(transport_.Call(Text()));
  clock_.Advance(Seconds(3));
  call.Cancel();
  EXPECT_EQ(call.value().outcome, Outcome::kUnknown);
  EXPECT_EQ(SendsTo(), kSecond);
}

TEST_F(ApiTransportTest, A10_OneAddressAloneIsNeverPassedOver) {
  ApiTransport alone(http_, clock_, metrics_, {kFirst}, support::kTimeout);
  FirstSays(HttpStatus(502));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Await(alone.Call(Text())).outcome, Outcome::kUnknown);
  EXPECT_EQ(PassedOver(), 0);
}

}  // namespace
}  // namespace hongyan::wechat
