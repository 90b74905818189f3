// The list stays small, whatever is on it.
#include "server/endpoints/grpc/unread_answers.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace hongyan::endpoints {
namespace {

using std::chrono::seconds;

TEST(UnreadAnswersTest, G16_WhatIsReadIsForgotten) {
  grpc::CallbackServerContext context;
  UnreadAnswers answers;
  const async::MonoTime begin;
  std::vector<std::weak_ptr<UnreadAnswer>> added;
  const auto unread = std::make_shared<UnreadAnswer>(context);
  answers.Add(unread, begin);
  for (int i = 0; i < 10000; ++i) {
    const auto answer = std::make_shared<UnreadAnswer>(context);
    added.push_back(answer);
    answers.Add(answer, begin + seconds(1));
    answer->Done();
  }
  int kept = 0;
  for (const auto& one : added) kept += !one.expired();
  EXPECT_LT(kept, 1000);
  EXPECT_FALSE(unread->done());
  unread->Done();
  answers.CancelOld(begin + seconds(2));
  for (const auto& one : added) EXPECT_TRUE(one.expired());
  EXPECT_EQ(unread.use_count(), 1);
}

}  // namespace
}  // namespace hongyan::endpoints
