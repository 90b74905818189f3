#include "server/storage/write_health.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using std::chrono::seconds;

class WriteHealthTest : public ::testing::Test {
 protected:
  void Fail(const char& kind) {
    health_.NoteFailure(&kind, absl::InternalError("UNIQUE constraint failed"), now_);
  }
  absl::Status Verdict() const { return health_.Verdict(now_); }

  static constexpr char kEvents = 0;
  static constexpr char kOthers = 1;
  WriteHealth health_;
  WriteHealth::Time now_{seconds(1000)};
};

TEST_F(WriteHealthTest, A11_OneOddWriteAmongGoodOnesChangesNothing) {
  for (int i = 0; i < 100; ++i) {
    Fail(kEvents);
    health_.NoteSuccess(&kEvents);
    EXPECT_THAT(Verdict(), IsOk());
  }
}

TEST_F(WriteHealthTest, A11_ThreeFailuresInARowAreIllWhateverTheReason) {
  Fail(kEvents);
  Fail(kEvents);
  EXPECT_THAT(Verdict(), IsOk());
  Fail(kEvents);
  EXPECT_THAT(Verdict(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  EXPECT_THAT(std::string(Verdict().message()), ::testing::HasSubstr("UNIQUE constraint failed"));
  // Steady: one that succeeds among those that fail doesn't make it well.
  health_.NoteSuccess(&kEvents);
  EXPECT_FALSE(Verdict().ok());
  Fail(kEvents);
  health_.NoteSuccess(&kEvents);
  health_.NoteSuccess(&kEvents);
  EXPECT_FALSE(Verdict().ok());
  health_.NoteSuccess(&kEvents);
  EXPECT_THAT(Verdict(), IsOk());
}

TEST_F(WriteHealthTest, A11_GoodWritesOfOneKindDoNotHideThatAnotherAlwaysFails) {
  for (int i = 0; i < 3; ++i) {
    Fail(kEvents);
    health_.NoteSuccess(&kOthers);
  }
  EXPECT_FALSE(Verdict().ok());
}

TEST_F(WriteHealthTest, A11_OldFailuresAreForgotten) {
  for (int i = 0; i < 3; ++i) Fail(kEvents);
  now_ += WriteHealth::kForget;
  EXPECT_FALSE(Verdict().ok());
  now_ += seconds(1);
  EXPECT_THAT(Verdict(), IsOk());
  // A kind that fails now and then, as housekeeping does every ten minutes, is no ill health.
  for (int i = 0; i < 10; ++i) {
    now_ += WriteHealth::kForget + seconds(1);
    Fail(kEvents);
    EXPECT_THAT(Verdict(), IsOk());
  }
}

TEST_F(WriteHealthTest, A11_LateTransactionsInARowAreIllUntilSomeCameInTime) {
  for (int i = 0; i < 2; ++i) health_.NoteLate(true, now_);
  EXPECT_THAT(Verdict(), IsOk());
  health_.NoteLate(true, now_);
  EXPECT_TRUE(health_.slow());
  EXPECT_THAT(Verdict(), StatusIs(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Verdict().ok());
    health_.NoteLate(false, now_);
  }
  EXPECT_THAT(Verdict(), IsOk());
  EXPECT_FALSE(health_.slow());
}

TEST_F(WriteHealthTest, A11_WhatACallerDoesWrongIsNoFailureOfTheStorage) {
  EXPECT_FALSE(IsFailure(absl::OkStatus()));
  EXPECT_FALSE(IsFailure(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsFailure(absl::NotFoundError("")));
  EXPECT_FALSE(IsFailure(absl::OutOfRangeError("")));
  EXPECT_TRUE(IsFailure(absl::InternalError("")));
  EXPECT_TRUE(IsFailure(absl::UnavailableError("")));
  EXPECT_TRUE(IsFailure(absl::ResourceExhaustedError("")));
  EXPECT_TRUE(IsFailure(absl::UnknownError("")));
}

}  // namespace
}  // namespace hongyan::storage
