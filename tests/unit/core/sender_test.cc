// One message through all checks to the platform, and what is said of it.
#include "server/core/sender.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "tests/support/core_test.h"
#include "tests/support/error_details.h"
#include "tests/support/known_people.h"

namespace hongyan::core {
namespace {

using absl::Milliseconds;
using absl::Seconds;
using absl::StatusCode;
using support::Accepts;
using support::AcceptsAs;
using support::Held;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::kStableTokenPath;
using support::kTemplateListPath;
using support::kTemplatePath;
using support::kTextPath;
using support::kTypingPath;
using support::NeverAnswers;
using support::Refuses;
using support::Slowly;
using support::StatusIs;
using support::Token;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class SenderTest : public support::CoreTest {
 protected:
  async::Task<model::Delivery> Sending(model::Notification notification,
                                       absl::Duration within = Seconds(30)) {
    return sender_.Send(main_, std::move(notification), Within(within));
  }
  model::Delivery Send(model::Notification notification, absl::Duration within = Seconds(30)) {
    return Await(Sending(std::move(notification), within));
  }

  Idempotency idempotency_{clock_, metrics_};
  support::KnownPeople people_;
  Sender sender_{people_, idempotency_, clock_, metrics_};
};

TEST_F(SenderTest, TextIsAcceptedAndFinal) {
  http_.Always(kTextPath, Slowly(Seconds(1), Accepts()));
  model::Notification notification = Text();
  notification.labels = {{"order", "1024"}};
  const absl::Time start = clock_.Now();
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kAccepted);
  EXPECT_THAT(delivery.error, IsOk());
  EXPECT_EQ(delivery.id.size(), 26u);
  EXPECT_EQ(delivery.account, "main") << "the name, also when the request left it empty";
  EXPECT_EQ(delivery.openid, "oABC");
  EXPECT_EQ(delivery.kind, model::MessageKind::kText);
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(delivery.msg_id, 0);
  EXPECT_EQ(delivery.labels, notification.labels);
  EXPECT_EQ(delivery.create_time, start);
  EXPECT_EQ(delivery.accept_time, start + Seconds(1));
  EXPECT_EQ(delivery.finish_time, start + Seconds(1));
}

TEST_F(SenderTest, TemplateIsAcceptedButWaitsForItsReceipt) {
  http_.Always(kTemplatePath, AcceptsAs(3717005636572528642));
  const model::Delivery delivery = Send(Template());
  EXPECT_EQ(delivery.state, model::DeliveryState::kAccepted);
  EXPECT_EQ(delivery.kind, model::MessageKind::kTemplate);
  EXPECT_EQ(delivery.msg_id, 3717005636572528642);
  EXPECT_TRUE(delivery.accept_time.has_value());
  EXPECT_FALSE(delivery.finish_time.has_value());
}

TEST_F(SenderTest, IdsAreDifferentAndSortByTime) {
  http_.Always(kTextPath, Accepts());
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(Send(Text()).id);
    if (i % 3 == 0) clock_.Advance(Milliseconds(1));
  }
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST_F(SenderTest, DefiniteRefusalIsFailed) {
  http_.Always(kTextPath, Refuses(45015));
  const model::Delivery delivery = Send(Text());
  EXPECT_EQ(delivery.state, model::DeliveryState::kFailed);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kFailedPrecondition, "RESPONSE_WINDOW_CLOSED"));
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_FALSE(delivery.accept_time.has_value());
  EXPECT_TRUE(delivery.finish_time.has_value());
}

TEST_F(SenderTest, U03_LostAnswerIsUnknown) {
  http_.Always(kTextPath, HttpStatus(502));
  const model::Delivery delivery = Send(Text());
  EXPECT_EQ(delivery.state, model::DeliveryState::kUnknown);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, MessageGoesOutUnderItsAccount) {
  core::Account& other = AddAccount("other");
  tokens_at_once_ = 2;
  http_.Respond(kStableTokenPath, [](const auto& request) {
    return Token(absl::StrContains(request.body, "wx-other") ? "t-other" : "t-main");
  });
  http_.Always(kTextPath, Accepts());
  EXPECT_EQ(Await(sender_.Send(other, Text(), Within(Seconds(1)))).account, "other");
  EXPECT_EQ(http_.requests(kTextPath).front().query, "access_token=t-other");
}

TEST_F(SenderTest, G01_UnknownAccountNamesTheConfiguredOnes) {
  EXPECT_EQ(*accounts_.Find(""), &main_) << "the only one";
  AddAccount("other");
  EXPECT_EQ(*accounts_.Find("main"), &main_);
  for (const char* name : {"", "nobody"}) {
    const absl::Status error = accounts_.Find(name).status();
    EXPECT_THAT(error, StatusIs(StatusCode::kInvalidArgument, "INVALID_REQUEST"));
    EXPECT_THAT(support::FieldsOf(error), ElementsAre("account"));
    EXPECT_THAT(std::string(error.message()), HasSubstr("main"));
    EXPECT_THAT(std::string(error.message()), HasSubstr("other"));
  }
}

// --- validate_only

TEST_F(SenderTest, ValidateOnlySendsNoText) {
  model::Notification notification = Text();
  notification.validate_only = true;
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kNone);
  EXPECT_THAT(delivery.error, IsOk());
  EXPECT_EQ(delivery.id, "");
  EXPECT_EQ(delivery.account, "main");
  EXPECT_EQ(delivery.attempts, 0);
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(SenderTest, ValidateOnlyHoldsATemplateAgainstTheAccountsList) {
  http_.Always(
      kTemplateListPath,
      Json(
          R"({"template_list":[{"template_id":"tmpl","title":"T","content":"{{thing1.DATA}}"}]})"));
  const auto validate = [&](model::Notification notification) {
    notification.validate_only = true;
    return Send(notification);
  };
  const model::Delivery good = validate(Template());
  EXPECT_EQ(good.state, model::DeliveryState::kNone);
  EXPECT_THAT(good.error, IsOk());
  EXPECT_EQ(good.id, "");
  const model::Delivery bad = validate(Template({{"thing1", std::string(21, 'x')}}));
  EXPECT_THAT(bad.error, StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
  EXPECT_EQ(bad.id, "");
  EXPECT_THAT(validate(Template({{"thing1", "x"}}, "nobody")).error,
              StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_ID"));
  EXPECT_EQ(http_.count(kTemplatePath), 0u);
}

TEST_F(SenderTest, ValidateOnlyUsesNoKeyUp) {
  http_.Always(kTextPath, Accepts());
  model::Notification notification = WithKey(Text("one"), "k");
  notification.validate_only = true;
  EXPECT_THAT(Send(notification).error, IsOk());
  EXPECT_EQ(idempotency_.size(), 0u);
  EXPECT_EQ(Send(WithKey(Text("two"), "k")).state, model::DeliveryState::kAccepted);
}

// --- expire_time

TEST_F(SenderTest, C06_ExpireTimeInThePastIsExpiredAtOnce) {
  for (const absl::Duration ago : {absl::ZeroDuration(), Seconds(1), absl::Hours(24 * 365 * 50)}) {
    model::Notification notification = Text();
    notification.expire_time = clock_.Now() - ago;
    const model::Delivery delivery = Send(notification);
    EXPECT_EQ(delivery.state, model::DeliveryState::kExpired);
    EXPECT_THAT(delivery.error, Not(IsOk()));
    EXPECT_TRUE(delivery.finish_time.has_value());
    EXPECT_EQ(delivery.attempts, 0);
  }
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(SenderTest, C06_ExpireTimeInTheFutureSends) {
  http_.Always(kTextPath, Accepts());
  for (const absl::Time when :
       {clock_.Now() + Seconds(60), clock_.Now() + absl::Hours(24 * 365 * 100),
        absl::InfiniteFuture()}) {
    model::Notification notification = Text();
    notification.expire_time = when;
    EXPECT_EQ(Send(notification).state, model::DeliveryState::kAccepted);
  }
}

TEST_F(SenderTest, C06_MessageThatExpiresWhileItWaitsForATokenIsNotSent) {
  http_.Always(kStableTokenPath, Slowly(Seconds(3), Token("t1")));
  model::Notification notification = Text();
  notification.expire_time = clock_.Now() + Seconds(2);
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kExpired);
  EXPECT_EQ(delivery.attempts, 0);
  EXPECT_EQ(delivery.finish_time, delivery.expire_time);
  clock_.Advance(Seconds(10));
  EXPECT_EQ(http_.count(kTextPath), 0u);
}

TEST_F(SenderTest, C06_MessageIsNotRepeatedAfterItsExpireTime) {
  http_.Always(kTextPath, Refuses(-1));
  model::Notification notification = Text();
  notification.expire_time = clock_.Now() + Seconds(2);
  const async::MonoTime expires = In(Seconds(2));
  const model::Delivery delivery = Send(notification);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kUnavailable, "WECHAT_BUSY"));
  for (const auto& request : http_.requests(kTextPath)) EXPECT_LT(request.at, expires);
  EXPECT_LE(http_.count(kTextPath), 2u);
}

TEST_F(SenderTest, C06_RequestThatHasBegunIsNotCutByTheExpireTime) {
  http_.Always(kTextPath, Slowly(Seconds(3), Accepts()));
  model::Notification notification = Text();
  notification.expire_time = clock_.Now() + Seconds(2);
  EXPECT_EQ(Send(notification).state, model::DeliveryState::kAccepted);
}

TEST_F(SenderTest, C06_RefusalThatComesAfterTheExpireTimeIsARefusal) {
  http_.Always(kTextPath, Slowly(Seconds(3), Refuses(45015)));
  model::Notification notification = Text();
  notification.expire_time = clock_.Now() + Seconds(2);
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kFailed);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kFailedPrecondition, "RESPONSE_WINDOW_CLOSED"));
}

// --- idempotency_key

TEST_F(SenderTest, G02_TwinsInFlightAreOneSendAndOneDelivery) {
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(Sending(WithKey(Text(), "k")));
  clock_.Advance(Seconds(1));
  EXPECT_FALSE(twin.done());
  http_.Release();
  clock_.Settle();
  EXPECT_EQ(first.value().state, model::DeliveryState::kAccepted);
  EXPECT_EQ(twin.value().state, model::DeliveryState::kAccepted);
  EXPECT_EQ(twin.value().id, first.value().id);
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, G02_LaterCallGetsTheFirstDelivery) {
  http_.Always(kTemplatePath, AcceptsAs(7));
  const model::Delivery first = Send(WithKey(Template(), "k"));
  clock_.Advance(absl::Hours(1));
  const model::Delivery again = Send(WithKey(Template(), "k"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.msg_id, 7);
  EXPECT_EQ(again.create_time, first.create_time);
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
}

TEST_F(SenderTest, G03_OtherMessageUnderTheKeyIsRefused) {
  http_.Always(kTextPath, Accepts());
  Send(WithKey(Text("one"), "k"));
  const model::Delivery other = Send(WithKey(Text("two"), "k"));
  EXPECT_EQ(other.state, model::DeliveryState::kFailed);
  EXPECT_THAT(other.error, StatusIs(StatusCode::kInvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
  EXPECT_THAT(support::FieldsOf(other.error), ElementsAre("idempotency_key"));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, G04_UnknownOutcomeIsRememberedAndNotSentAgain) {
  http_.Next(kTextPath, HttpStatus(502));
  const model::Delivery first = Send(WithKey(Text(), "k"));
  const model::Delivery again = Send(WithKey(Text(), "k"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.state, model::DeliveryState::kUnknown);
  EXPECT_THAT(again.error, StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, DefiniteRefusalIsRemembered) {
  http_.Always(kTextPath, Refuses(43004));
  const model::Delivery first = Send(WithKey(Text(), "k"));
  const model::Delivery again = Send(WithKey(Text(), "k"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_THAT(again.error, StatusIs(StatusCode::kFailedPrecondition, "NOT_SUBSCRIBED"));
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, RetryableFailureDoesNotUseTheKeyUp) {
  http_.Next(kTextPath, Refuses(45011));
  http_.Next(kTextPath, Accepts());
  const model::Delivery first = Send(WithKey(Text(), "k"));
  EXPECT_EQ(first.state, model::DeliveryState::kFailed);
  const model::Delivery again = Send(WithKey(Text(), "k"));
  EXPECT_EQ(again.state, model::DeliveryState::kAccepted);
  EXPECT_NE(again.id, first.id);
}

TEST_F(SenderTest, G07_FirstCallerThatLeavesBeforeSendingLetsTheTwinSend) {
  http_.Always(kStableTokenPath, Held(Token("t1")));
  http_.Always(kTextPath, Accepts());
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(Sending(WithKey(Text(), "k")));
  first.Cancel();
  EXPECT_THAT(first.value().error, StatusIs(StatusCode::kCancelled, "CANCELLED"));
  http_.Release();
  clock_.Settle();
  EXPECT_EQ(twin.value().state, model::DeliveryState::kAccepted);
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, G07_FirstCallerThatLeavesWhileSendingLeavesAnUnknownOutcomeToAll) {
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(Sending(WithKey(Text(), "k")));
  clock_.Advance(Seconds(1));
  first.Cancel();
  EXPECT_EQ(first.value().state, model::DeliveryState::kUnknown);
  EXPECT_EQ(twin.value().state, model::DeliveryState::kUnknown);
  EXPECT_EQ(twin.value().id, first.value().id);
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, TwinWhoseDeadlinePassesDoesNotKnowTheOutcome) {
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(Sending(WithKey(Text(), "k"), Seconds(1)));
  clock_.Advance(Seconds(1));
  EXPECT_EQ(twin.value().state, model::DeliveryState::kUnknown);
  EXPECT_THAT(twin.value().error, StatusIs(StatusCode::kDeadlineExceeded, "OUTCOME_UNKNOWN"));
  http_.Release();
  clock_.Settle();
  EXPECT_EQ(first.value().state, model::DeliveryState::kAccepted);
  EXPECT_EQ(Send(WithKey(Text(), "k")).id, first.value().id);
}

TEST_F(SenderTest, TwinThatWaitsBeyondOurOwnLimitDoesNotKnowTheOutcomeEither) {
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(sender_.Send(main_, WithKey(Text(), "k"), {In(Seconds(1)), false}));
  clock_.Advance(Seconds(1));
  EXPECT_THAT(twin.value().error, StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
}

// As when the server stops: to be told that nothing was sent, a caller would send again.
TEST_F(SenderTest, G07_TwinThatIsCancelledDoesNotKnowTheOutcome) {
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(Sending(WithKey(Text(), "k")));
  auto twin = Start(Sending(WithKey(Text(), "k")));
  twin.Cancel();
  EXPECT_EQ(twin.value().state, model::DeliveryState::kUnknown);
  EXPECT_THAT(twin.value().error, StatusIs(StatusCode::kUnknown, "OUTCOME_UNKNOWN"));
}

TEST_F(SenderTest, TwinsBeyondTheBoundAreRefusedAndSendNothing) {
  Idempotency small(clock_, metrics_, {1});
  Sender sender(people_, small, clock_, metrics_);
  http_.Always(kTextPath, Held(Accepts()));
  auto first = Start(sender.Send(main_, WithKey(Text(), "a"), Within(Seconds(3))));
  const model::Delivery full = Await(sender.Send(main_, WithKey(Text(), "b"), Within(Seconds(3))));
  EXPECT_THAT(full.error, StatusIs(StatusCode::kResourceExhausted, "OVERLOADED"));
  EXPECT_TRUE(base::GetRetryDelay(full.error).has_value());
  EXPECT_EQ(http_.count(kTextPath), 1u);
}

TEST_F(SenderTest, U03_TemplateWithKeyCarriesItsDeliveryAsClientMsgId) {
  http_.Next(kTemplatePath, HttpStatus(502));
  http_.Next(kTemplatePath, AcceptsAs(7));
  const model::Delivery delivery =
      Send(WithKey(Template(), "a-key-of-the-callers-own-that-is-longer-than-32-bytes"));
  EXPECT_EQ(delivery.state, model::DeliveryState::kAccepted);
  EXPECT_EQ(delivery.attempts, 2);
  EXPECT_LE(delivery.id.size(), 32u);
  EXPECT_TRUE(std::all_of(delivery.id.begin(), delivery.id.end(),
                          [](unsigned char c) { return std::isalnum(c) != 0; }));
  for (const auto& request : http_.requests(kTemplatePath)) {
    EXPECT_THAT(request.body, HasSubstr(absl::StrCat(R"("client_msg_id":")", delivery.id, R"(")")));
  }
}

TEST_F(SenderTest, U03_TemplateWithoutKeyHasNoClientMsgIdAndIsNotRepeated) {
  http_.Next(kTemplatePath, HttpStatus(502));
  EXPECT_EQ(Send(Template()).state, model::DeliveryState::kUnknown);
  EXPECT_EQ(http_.count(kTemplatePath), 1u);
  EXPECT_THAT(http_.requests(kTemplatePath).front().body, Not(HasSubstr("client_msg_id")));
}

// --- typing

TEST_F(SenderTest, TypingIsCheckedAndSent) {
  http_.Always(kTypingPath, Accepts());
  EXPECT_THAT(Await(sender_.SetTyping(main_, "oABC", std::nullopt, false, Within(Seconds(1)))),
              IsOk());
  EXPECT_EQ(http_.count(kTypingPath), 1u);
  const absl::Status no_openid =
      Await(sender_.SetTyping(main_, "", std::nullopt, false, Within(Seconds(1))));
  EXPECT_THAT(no_openid, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(support::FieldsOf(no_openid), ElementsAre("openid"));
  EXPECT_EQ(http_.count(kTypingPath), 1u);
}

TEST_F(SenderTest, UnionidIsResolvedBeforeAnythingLeaves) {
  http_.Always(kTextPath, Accepts());
  model::Notification notification = Text();
  notification.openid.clear();
  notification.unionid = "uABC";
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kAccepted);
  EXPECT_EQ(delivery.openid, "oOfABC");
  EXPECT_THAT(http_.requests(kTextPath)[0].body, HasSubstr(R"("touser":"oOfABC")"));
  EXPECT_THAT(people_.asked, ElementsAre("main/uABC"));
  EXPECT_THAT(people_.told, ElementsAre("sent main/oOfABC"));
}

TEST_F(SenderTest, UnknownUnionidSendsNothingAndFreesTheKey) {
  http_.Always(kTextPath, Accepts());
  model::Notification notification = WithKey(Text(), "k");
  notification.unionid = "uNobody";
  const model::Delivery delivery = Send(notification);
  EXPECT_EQ(delivery.state, model::DeliveryState::kFailed);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kNotFound, "UNIONID_NOT_FOUND"));
  EXPECT_EQ(http_.count(kTextPath), 0u);
  notification.validate_only = true;
  EXPECT_THAT(Send(notification).error, StatusIs(StatusCode::kNotFound, "UNIONID_NOT_FOUND"));
  // Another request may use the key now.
  EXPECT_EQ(Send(WithKey(Text("else"), "k")).state, model::DeliveryState::kAccepted);
}

TEST_F(SenderTest, UnionidIsNotLookedUpOnceTheDeadlineHasPassed) {
  model::Notification notification = Text();
  notification.unionid = "uABC";
  const model::Delivery delivery = Send(notification, absl::ZeroDuration());
  EXPECT_EQ(delivery.state, model::DeliveryState::kFailed);
  EXPECT_THAT(delivery.error, StatusIs(StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT"));
  EXPECT_TRUE(people_.asked.empty());
}

TEST_F(SenderTest, AllowanceIsSpentByWhatWentOutOrMayHave) {
  http_.Next(kTextPath, Accepts());
  http_.Next(kTextPath, HttpStatus(502));
  http_.Next(kTextPath, Refuses(45015));
  http_.Next(kTextPath, Refuses(45047));
  http_.Next(kTextPath, Refuses(40003));
  for (int i = 0; i < 5; ++i) Send(Text());
  EXPECT_THAT(people_.told, ElementsAre("sent main/oABC", "sent main/oABC", "closed main/oABC",
                                        "used main/oABC"));
  http_.Always(kTemplatePath, AcceptsAs(1));
  Send(Template());
  EXPECT_EQ(people_.told.size(), 4u) << "a template needs no window";
}

}  // namespace
}  // namespace hongyan::core
