#include "hongyan_client/retry.h"

#include <gtest/gtest.h>

namespace hongyan::client {
namespace {

constexpr absl::Duration kPlenty = absl::Seconds(10);

Error Make(absl::StatusCode code, const std::string& reason) {
  Error error;
  error.code = code;
  error.reason = reason;
  return error;
}

struct Case {
  const char* name;
  CallKind kind;
  absl::StatusCode code;
  const char* reason;
  bool repeats;
};

class RetryTable : public testing::TestWithParam<Case> {};

TEST_P(RetryTable, RepeatsOnlyWhatIsSafe) {
  const FailedAttempt attempt{.error = Make(GetParam().code, GetParam().reason)};
  EXPECT_EQ(RetryDelay(GetParam().kind, attempt, kPlenty, 1).has_value(), GetParam().repeats);
}

using enum absl::StatusCode;
INSTANTIATE_TEST_SUITE_P(
    Rules, RetryTable,
    testing::Values(
        Case{"OverloadedSend", CallKind::kSend, kResourceExhausted, "OVERLOADED", true},
        Case{"StoppingSend", CallKind::kSend, kUnavailable, "SHUTTING_DOWN", true},
        Case{"OverloadedRead", CallKind::kRead, kResourceExhausted, "OVERLOADED", true},
        Case{"ThrottledSend", CallKind::kSend, kResourceExhausted, "THROTTLED", false},
        Case{"BareUnavailableSend", CallKind::kSend, kUnavailable, "", false},
        Case{"BareUnavailableSendWithKey", CallKind::kSendWithKey, kUnavailable, "", true},
        Case{"BareUnavailableRead", CallKind::kRead, kUnavailable, "", true},
        Case{"BusySend", CallKind::kSend, kUnavailable, "WECHAT_BUSY", false},
        Case{"BusySendWithKey", CallKind::kSendWithKey, kUnavailable, "WECHAT_BUSY", false},
        Case{"BusyRead", CallKind::kRead, kUnavailable, "WECHAT_BUSY", false},
        Case{"UnreachableRead", CallKind::kRead, kUnavailable, "WECHAT_UNREACHABLE", false},
        Case{"TokenRejectedRead", CallKind::kRead, kUnavailable, "ACCESS_TOKEN_REJECTED", false},
        Case{"StorageRead", CallKind::kRead, kUnavailable, "STORAGE_UNAVAILABLE", false},
        Case{"ReasonOfTomorrowRead", CallKind::kRead, kUnavailable, "SOMETHING_NEW", false},
        Case{"UnknownOutcome", CallKind::kSend, kUnknown, "OUTCOME_UNKNOWN", false},
        Case{"UnknownOutcomeWithKey", CallKind::kSendWithKey, kUnknown, "OUTCOME_UNKNOWN", false},
        Case{"DeadlineRead", CallKind::kRead, kDeadlineExceeded, "", false},
        Case{"InternalRead", CallKind::kRead, kInternal, "INTERNAL", false},
        Case{"BadOpenidRead", CallKind::kRead, kInvalidArgument, "INVALID_OPENID", false}),
    [](const auto& param) { return param.param.name; });

FailedAttempt Overloaded() {
  return {.error = Make(absl::StatusCode::kResourceExhausted, "OVERLOADED")};
}

TEST(Retry, BackOffDoublesAndIsSpread) {
  FailedAttempt attempt = Overloaded();
  EXPECT_EQ(RetryDelay(CallKind::kSend, attempt, kPlenty, 1), absl::Milliseconds(100));
  EXPECT_EQ(RetryDelay(CallKind::kSend, attempt, kPlenty, 0), absl::Milliseconds(50));
  attempt.retries_done = 2;
  EXPECT_EQ(RetryDelay(CallKind::kSend, attempt, kPlenty, 1), absl::Milliseconds(400));
}

TEST(Retry, EndsAfterThreeRepeats) {
  FailedAttempt attempt = Overloaded();
  attempt.retries_done = kMaxRetries - 1;
  EXPECT_TRUE(RetryDelay(CallKind::kSend, attempt, kPlenty, 1).has_value());
  attempt.retries_done = kMaxRetries;
  EXPECT_FALSE(RetryDelay(CallKind::kSend, attempt, kPlenty, 1).has_value());
}

TEST(Retry, HonoursRetryInfoAndTheDeadline) {
  FailedAttempt attempt = Overloaded();
  attempt.error.retry_delay = absl::Seconds(2);
  EXPECT_EQ(RetryDelay(CallKind::kSend, attempt, kPlenty, 1), absl::Seconds(2));
  EXPECT_FALSE(RetryDelay(CallKind::kSend, attempt, absl::Seconds(2), 1).has_value());
}

TEST(Retry, HonoursPushback) {
  FailedAttempt attempt = Overloaded();
  attempt.pushback = "1500";
  EXPECT_EQ(RetryDelay(CallKind::kSend, attempt, kPlenty, 1), absl::Milliseconds(1500));
  attempt.pushback = "-1";
  EXPECT_FALSE(RetryDelay(CallKind::kSend, attempt, kPlenty, 1).has_value());
  attempt.pushback = "soon";
  EXPECT_FALSE(RetryDelay(CallKind::kSend, attempt, kPlenty, 1).has_value());
}

TEST(Retry, ASendWithKeyIsNotRepeatedWithoutConnection) {
  FailedAttempt attempt{.error = Make(absl::StatusCode::kUnavailable, "")};
  attempt.error.not_connected = true;
  EXPECT_FALSE(RetryDelay(CallKind::kSendWithKey, attempt, kPlenty, 1).has_value());
  EXPECT_TRUE(RetryDelay(CallKind::kRead, attempt, kPlenty, 1).has_value());
}

TEST(Outcome, OnlyCertaintyCountsAsNotSent) {
  const auto outcome = [](absl::StatusCode code, const char* reason) {
    return GetOutcome(Make(code, reason));
  };
  EXPECT_EQ(outcome(absl::StatusCode::kUnavailable, ""), SendOutcome::kUnknown);
  EXPECT_EQ(outcome(absl::StatusCode::kDeadlineExceeded, ""), SendOutcome::kUnknown);
  EXPECT_EQ(outcome(absl::StatusCode::kResourceExhausted, ""), SendOutcome::kUnknown);
  EXPECT_EQ(outcome(absl::StatusCode::kInternal, "INTERNAL"), SendOutcome::kUnknown);
  EXPECT_EQ(outcome(absl::StatusCode::kDeadlineExceeded, "OUTCOME_UNKNOWN"), SendOutcome::kUnknown);
  EXPECT_EQ(outcome(absl::StatusCode::kDeadlineExceeded, "DEADLINE_TOO_SHORT"),
            SendOutcome::kNotSent);
  EXPECT_EQ(outcome(absl::StatusCode::kUnknown, "WECHAT_ERROR"), SendOutcome::kNotSent);
  EXPECT_EQ(outcome(absl::StatusCode::kUnimplemented, ""), SendOutcome::kNotSent);
  Error never_left = Make(absl::StatusCode::kUnavailable, "");
  never_left.not_connected = true;
  EXPECT_EQ(GetOutcome(never_left), SendOutcome::kNotSent);
}

}  // namespace
}  // namespace hongyan::client
