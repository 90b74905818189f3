#include "hongyan_client/resumption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hongyan::client {
namespace {

using testing::Eq;
using testing::Optional;

Error Lost() {
  Error error;
  error.code = absl::StatusCode::kUnavailable;
  return error;
}

TEST(Resumption, ASilentServiceIsNotAskedAgain) {
  Resumption resumption;
  EXPECT_EQ(resumption.PauseAfter(Lost()), std::nullopt);
  resumption.Answered();
  EXPECT_THAT(resumption.PauseAfter(Lost()), Optional(kFirstPause));
}

TEST(Resumption, PausesDoubleAndProgressBeginsAnew) {
  Resumption resumption;
  resumption.Progressed();
  for (const int factor : {1, 2, 4, 8, 16}) {
    EXPECT_THAT(resumption.PauseAfter(Lost()), Optional(kFirstPause * factor));
  }
  EXPECT_THAT(resumption.PauseAfter(Lost()), Optional(kLongestPause));
  EXPECT_THAT(resumption.PauseAfter(Lost()), Optional(kLongestPause));
  resumption.Progressed();
  EXPECT_THAT(resumption.PauseAfter(Lost()), Optional(kFirstPause));
}

TEST(Resumption, OnlySoManyBreaksInARowAreSurvivedWithoutProgress) {
  Resumption resumption(2);
  resumption.Progressed();
  EXPECT_TRUE(resumption.PauseAfter(Lost()).has_value());
  resumption.Answered();
  EXPECT_TRUE(resumption.PauseAfter(Lost()).has_value());
  EXPECT_FALSE(resumption.PauseAfter(Lost()).has_value());
  resumption.Progressed();
  EXPECT_TRUE(resumption.PauseAfter(Lost()).has_value());
}

TEST(Resumption, WhatNoRepeatMendsIsReported) {
  Resumption resumption;
  resumption.Progressed();
  Error error;
  error.code = absl::StatusCode::kPermissionDenied;
  EXPECT_EQ(resumption.PauseAfter(error), std::nullopt);
  error.code = absl::StatusCode::kResourceExhausted;
  error.reason = "QUOTA_EXHAUSTED";
  EXPECT_EQ(resumption.PauseAfter(error), std::nullopt);
  error.reason = "OVERLOADED";
  error.retry_delay = absl::Seconds(1);
  EXPECT_THAT(resumption.PauseAfter(error), Optional(Eq(absl::Seconds(1))));
}

}  // namespace
}  // namespace hongyan::client
