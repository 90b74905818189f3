// Matchers for absl::Status and absl::StatusOr: EXPECT_THAT(Get(),
// StatusIs(absl::StatusCode::kUnavailable, "WECHAT_BUSY")).
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/status.h"

namespace hongyan::support {

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

inline std::string Describe(const absl::Status& status) {
  return absl::StatusCodeToString(status.code()) + " " + base::GetReason(status) + ": " +
         std::string(status.message());
}

MATCHER(IsOk, "is OK") {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).ok();
}

MATCHER_P(StatusIs, code, "has code " + absl::StatusCodeToString(code)) {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).code() == code;
}

// `reason` as it stands in ErrorInfo.
MATCHER_P2(StatusIs, code, reason,
           "has code " + absl::StatusCodeToString(code) + " and reason " + std::string(reason)) {
  *result_listener << Describe(GetStatus(arg));
  return GetStatus(arg).code() == code && base::GetReason(GetStatus(arg)) == reason;
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds what is wanted") {
  if (!arg.ok()) {
    *result_listener << Describe(GetStatus(arg));
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace hongyan::support
