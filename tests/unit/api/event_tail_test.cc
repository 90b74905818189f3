// Many watchers, one read.
#include "server/api/event_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/async/task_group.h"
#include "tests/support/run_until_done.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_storage.h"

namespace hongyan::api {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class EventTailTest : public ::testing::Test {
 protected:
  using Batch = std::shared_ptr<const EventBatch>;

  async::MonoTime Soon() { return async::After(clock_.Mono(), absl::Minutes(10)); }
  // Its cursor.
  std::int64_t Record(const std::string& content, bool readable = true) {
    model::NewEvent event;
    event.account = "main";
    event.openid = "oU";
    event.type = "text";
    event.receive_time = clock_.Now();
    event.dedup_key = content;
    event.body = readable ? absl::StrCat("<xml><MsgType>text</MsgType><Content>", content,
                                         "</Content><MsgId>1</MsgId></xml>")
                          : "no push";
    const auto recorded =
        support::RunUntilDone(loop_, storage_.events().Record(std::move(event), Soon()));
    EXPECT_THAT(recorded, support::IsOk());
    return recorded.ok() ? recorded->cursor : 0;
  }
  std::vector<std::string> Contents(const Batch& batch) {
    std::vector<std::string> contents;
    for (const v1::Event& event : batch->events) contents.push_back(event.text().content());
    return contents;
  }
  static async::Task<void> Ask(EventTail& tail, std::int64_t cursor, async::MonoTime until,
                               std::vector<Batch>& got) {
    auto batch = co_await tail.After(cursor, until);
    got.push_back(batch.ok() ? *batch : nullptr);
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  async::TaskGroup group_{loop_.executor(), clock_, 100};
  support::TempStorage storage_{loop_, clock_};
  EventTail tail_{storage_.events(), clock_};
};

TEST_F(EventTailTest, WhoAsksForTheSameSharesOneRead) {
  Record("a");
  const std::int64_t last = Record("b");
  const std::int64_t before = storage_.thread().stats().reads;
  std::vector<Batch> got;
  for (int i = 0; i < 50; ++i) group_.Spawn(Ask(tail_, 0, Soon(), got));
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  ASSERT_THAT(got, SizeIs(50));
  EXPECT_THAT(got, Each(got.front()));
  EXPECT_THAT(Contents(got.front()), ElementsAre("a", "b"));
  EXPECT_EQ(got.front()->next_cursor, last);
  // Whoever comes a little later has it from memory.
  EXPECT_EQ(*support::RunUntilDone(loop_, tail_.After(0, Soon())), got.front());
  EXPECT_EQ(storage_.thread().stats().reads, before + 1);
}

TEST_F(EventTailTest, NobodyGetsFromMemoryWhatHasBeenRemoved) {
  Record("a");
  ASSERT_THAT(Contents(*support::RunUntilDone(loop_, tail_.After(0, Soon()))), ElementsAre("a"));
  ASSERT_THAT(support::RunUntilDone(loop_, storage_.subscribers().Delete("main", "oU", Soon())),
              support::IsOk());
  EXPECT_THAT((*support::RunUntilDone(loop_, tail_.After(0, Soon())))->events, SizeIs(0));
  Record("b");
  ASSERT_THAT(Contents(*support::RunUntilDone(loop_, tail_.After(0, Soon()))), ElementsAre("b"));
  const absl::Time later = clock_.Now() + absl::Hours(2);
  ASSERT_THAT(support::RunUntilDone(loop_, storage_.events().Prune(later, absl::Hours(1), Soon())),
              support::IsOk());
  EXPECT_THAT((*support::RunUntilDone(loop_, tail_.After(0, Soon())))->events, SizeIs(0));
}

TEST_F(EventTailTest, WhoAsksForTheEmptyEndSharesOneReadToo) {
  Record("a");
  const auto first = *support::RunUntilDone(loop_, tail_.After(0, Soon()));
  const std::int64_t before = storage_.thread().stats().reads;
  std::vector<Batch> got;
  for (int i = 0; i < 50; ++i) group_.Spawn(Ask(tail_, first->next_cursor, Soon(), got));
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  ASSERT_THAT(got, SizeIs(50));
  EXPECT_THAT(got, Each(got.front()));
  EXPECT_THAT(got.front()->events, SizeIs(0));
  EXPECT_EQ(got.front()->next_cursor, first->next_cursor);
  EXPECT_EQ(storage_.thread().stats().reads, before + 1);
}

TEST_F(EventTailTest, EmptyEndIsReadAgain) {
  EXPECT_THAT((*support::RunUntilDone(loop_, tail_.After(0, Soon())))->events, SizeIs(0));
  const std::int64_t first = Record("a");
  EXPECT_THAT(Contents(*support::RunUntilDone(loop_, tail_.After(0, Soon()))), ElementsAre("a"));
  Record("b");
  EXPECT_THAT(Contents(*support::RunUntilDone(loop_, tail_.After(first, Soon()))),
              ElementsAre("b"));
}

TEST_F(EventTailTest, CancelledReaderLeavesTheOthersTheirBatch) {
  Record("a");
  std::vector<Batch> lost;
  std::vector<Batch> got;
  async::asio::cancellation_signal cancel;
  async::asio::co_spawn(
      loop_.executor(), Ask(tail_, 0, Soon(), lost),
      async::asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr) {}));
  group_.Spawn(Ask(tail_, 0, Soon(), got));
  loop_.Post([&] { cancel.emit(async::asio::cancellation_type::terminal); });
  support::RunUntilDone(loop_, group_.Drain(Soon()));
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_THAT(Contents(got.front()), ElementsAre("a"));
}

TEST_F(EventTailTest, A17_EventThatCantBeReadKeepsItsPlaceAndItsType) {
  Record("a");
  const std::int64_t unreadable = Record("b", false);
  const auto batch = *support::RunUntilDone(loop_, tail_.After(0, Soon()));
  ASSERT_THAT(batch->events, SizeIs(2));
  EXPECT_EQ(batch->events[1].type(), "text");
  EXPECT_TRUE(batch->events[1].damaged());
  EXPECT_EQ(batch->events[1].payload_case(), v1::Event::PAYLOAD_NOT_SET);
  EXPECT_FALSE(batch->events[0].damaged());
  EXPECT_EQ(batch->events[1].cursor(), unreadable);
  EXPECT_EQ(batch->events[1].openid(), "oU");
}

}  // namespace
}  // namespace hongyan::api
