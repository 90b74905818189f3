#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <sstream>
#include <streambuf>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/event_output.h"
#include "client/cli/json_line.h"
#include "client/cli/run.h"
#include "tests/unit/client/fake_followers.h"
#include "tests/unit/client/fake_service.h"

namespace hongyan::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const absl::TimeZone kZone = absl::FixedTimeZone(8 * 3600);

// Takes so many flushed writes, then fails with `error`.
class FailingBuffer : public std::stringbuf {
 public:
  FailingBuffer(int good, int error) : good_(good), error_(error) {}

 protected:
  int sync() override {
    if (good_-- > 0) return 0;
    errno = error_;
    return -1;
  }

 private:
  int good_;
  int error_;
};

class EventCommandsTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& args, std::streambuf* to = nullptr) {
    out_.str("");
    err_.str("");
    std::istringstream in;
    std::ostream out(to == nullptr ? out_.rdbuf() : to);
    Console console{.in = in, .out = out, .err = err_, .language = language_, .zone = kZone};
    const auto environment = [this](const char* name) {
      return std::string(name) == "HONGYAN_TARGET" ? service_.target() : "";
    };
    return cli::Run(args, environment, console);
  }
  std::vector<std::string> Lines() const { return absl::StrSplit(out_.str(), '\n'); }

  // Events of these cursors, then the stream breaks.
  void Tells(const std::vector<std::int64_t>& cursors) {
    service_.on_watch = [cursors](const v1::WatchEventsRequest& request, auto& writer) {
      for (const std::int64_t cursor : cursors) {
        if (cursor > request.after_cursor()) client::Write(writer, cursor, "x");
      }
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "over");
    };
  }

  client::FakeFollowers service_;
  Language language_ = Language::kEnglish;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST(EventOutput, ALineShowsWhatIsSetAndNothingSteersTheTerminal) {
  v1::Event event;
  event.set_cursor(7);
  event.set_account("main");
  event.set_openid("oA");
  event.set_type("text");
  event.mutable_receive_time()->set_seconds(1717214400);
  event.mutable_text()->set_msg_id(5);
  event.mutable_text()->set_content("您好 \x1b[2J\n\"x\"");
  EXPECT_EQ(Table({ToRow(event, kZone)}),
            "7  2024-06-01T12:00:00+08:00  main  text  oA  "
            "content=\"您好 \\u001b[2J\\n\\\"x\\\"\"\n");
  EXPECT_THAT(JsonLine(event), Not(HasSubstr("\x1b")));
  EXPECT_THAT(JsonLine(event), StartsWith(R"({"cursor":"7","account":"main","openid":"oA",)"));
}

TEST(EventOutput, EveryKindOfFieldIsShown) {
  v1::Event event;
  event.mutable_template_receipt()->set_msg_id(9007199254740993);
  event.mutable_template_receipt()->set_status("failed:user block");
  EXPECT_EQ(ToRow(event, kZone).back(), "msg_id=9007199254740993 status=\"failed:user block\"");
  event.mutable_pictures()->mutable_send_pics_info()->set_count(2);
  event.mutable_pictures()->mutable_send_pics_info()->add_pic_list()->set_pic_md5_sum("a");
  event.mutable_pictures()->mutable_send_pics_info()->add_pic_list()->set_pic_md5_sum("b");
  EXPECT_EQ(ToRow(event, kZone).back(),
            "send_pics_info.count=2 send_pics_info.pic_list[0].pic_md5_sum=a "
            "send_pics_info.pic_list[1].pic_md5_sum=b");
  event.mutable_location_report()->set_latitude(23.137466);
  EXPECT_EQ(ToRow(event, kZone).back(), "latitude=23.137466");
  event.mutable_verification()->mutable_expired_time()->set_seconds(1717214400);
  EXPECT_EQ(ToRow(event, kZone).back(), "expired_time=2024-06-01T12:00:00+08:00");
  auto& fields = *event.mutable_unknown()->mutable_fields();
  fields["Event"] = "new_one";
  fields["A b"] = "";
  EXPECT_EQ(ToRow(event, kZone).back(), "\"A b\"=\"\" Event=new_one");
}

TEST(EventOutput, ATimeBeyondJsonCostsOnlyThePayload) {
  v1::Event event;
  event.set_cursor(7);
  event.mutable_create_time()->set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(JsonLine(event), StartsWith(R"({"cursor":"7")"));
}

TEST(EventOutputTest, A17_DamagedEventSaysSo) {
  v1::Event event;
  event.set_cursor(7);
  event.set_type("text");
  event.set_damaged(true);
  EXPECT_EQ(ToRow(event, absl::UTCTimeZone()).back(), "(damaged in the storage)");
  EXPECT_THAT(JsonLine(event), HasSubstr(R"("damaged":true)"));
}

TEST_F(EventCommandsTest, ListFollowsPagesUntilOneIsEmpty) {
  service_.on_event_list = [](const v1::ListEventsRequest& request, auto& response) {
    // Fewer than asked: that is no end.
    for (std::int64_t next = request.after_cursor() + 1;
         next <= 5 && response.events_size() < std::min(2, request.page_size()); ++next) {
      response.add_events()->set_cursor(next);
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"event", "list", "--type", "text,subscribe", "--type", "click", "--account", "a"}),
            kExitOk);
  EXPECT_EQ(service_.event_lists.size(), 4U);
  EXPECT_THAT(service_.event_lists[0].types(), ElementsAre("text", "subscribe", "click"));
  EXPECT_EQ(service_.event_lists[0].account(), "a");
  EXPECT_EQ(Lines().size(), 7U);
  EXPECT_THAT(out_.str(), StartsWith("CURSOR            RECEIVED"));

  service_.event_lists.clear();
  EXPECT_EQ(Run({"event", "list", "--after", "1", "--limit", "3", "-o", "json"}), kExitOk);
  ASSERT_EQ(service_.event_lists.size(), 2U);
  EXPECT_EQ(service_.event_lists[0].after_cursor(), 1);
  EXPECT_EQ(service_.event_lists[1].page_size(), 1);
  EXPECT_THAT(Lines()[2], StartsWith(R"({"cursor":"4")"));
  EXPECT_EQ(Lines().size(), 4U);
}

TEST_F(EventCommandsTest, W05_AnEmptyListSaysWhatToDoNext) {
  EXPECT_EQ(Run({"event", "list"}), kExitOk);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), StartsWith("hongyan: no event is recorded yet; "));
  EXPECT_EQ(Run({"event", "list", "--type", "scan"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("without --type and --after"));
  EXPECT_EQ(Run({"event", "list", "-o", "json"}), kExitOk);
  EXPECT_EQ(out_.str() + err_.str(), "");
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"event", "list"}), kExitOk);
  EXPECT_THAT(err_.str(), StartsWith("hongyan: 尚未记录任何事件；"));
}

TEST_F(EventCommandsTest, WatchEndsAfterTheLimitAndTellsTheCursor) {
  Tells({3, 7, 8});
  EXPECT_EQ(Run({"event", "watch", "--after", "0", "--limit", "2", "-o", "json"}), kExitOk);
  EXPECT_TRUE(service_.watches[0].has_after_cursor());
  ASSERT_EQ(Lines().size(), 3U);
  EXPECT_THAT(Lines()[1], StartsWith(R"({"cursor":"7")"));
  EXPECT_EQ(err_.str(), absl::StrCat("hongyan: connected to ", service_.target(),
                                     ", Ctrl-C ends\n"
                                     "hongyan: last cursor 7; go on with --after 7\n"));
  EXPECT_EQ(Run({"event", "watch", "--limit", "1"}), kExitOk);
  EXPECT_FALSE(service_.watches[1].has_after_cursor());
  EXPECT_THAT(Lines()[0], StartsWith("CURSOR"));
  EXPECT_THAT(Lines()[1], StartsWith("3  "));
  EXPECT_THAT(Lines()[1], testing::EndsWith("content=x"));
}

TEST_F(EventCommandsTest, WatchGoesOnAfterABreakAndSaysSo) {
  service_.on_watch = [](const v1::WatchEventsRequest& request, auto& writer) {
    client::Write(writer, request.after_cursor() + 1);
    return grpc::Status(grpc::StatusCode::CANCELLED, "too slow");
  };
  EXPECT_EQ(Run({"event", "watch", "--limit", "2", "-o", "json"}), kExitOk);
  EXPECT_EQ(service_.watches[1].after_cursor(), 1);
  EXPECT_THAT(err_.str(),
              HasSubstr("hongyan: the stream broke (too slow), resuming after 200ms\n"));
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"event", "watch", "--limit", "2"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("事件流中断"));
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: 最后的 cursor 为 2；可用 --after 2 继续\n"));
}

TEST_F(EventCommandsTest, WhatNoRepeatMendsEndsWatchWithOne) {
  service_.on_watch = [](const auto&, auto& writer) {
    client::Write(writer, 4);
    return client::Failure{.code = grpc::StatusCode::PERMISSION_DENIED,
                           .reason = "SCOPE_MISSING",
                           .message = "the scope events is missing"}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"event", "watch"}), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: event watch failed: the scope events is missing\n"));
  EXPECT_THAT(err_.str(), HasSubstr("last cursor 4"));
  EXPECT_EQ(service_.watches.size(), 1U);
}

TEST_F(EventCommandsTest, AReaderThatLeavesEndsItWithoutNoise) {
  Tells({1, 2, 3});
  FailingBuffer head(1, EPIPE);
  EXPECT_EQ(Run({"event", "watch", "--after", "0"}, &head), kExitOk);
  EXPECT_THAT(err_.str(), Not(HasSubstr("cursor")));
  EXPECT_THAT(err_.str(), Not(HasSubstr("write")));

  FailingBuffer full(1, ENOSPC);
  EXPECT_EQ(Run({"event", "watch", "--after", "0"}, &full), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: can't write to standard output\n"));
  // Only what was written counts.
  EXPECT_THAT(err_.str(), HasSubstr("last cursor 1;"));
}

TEST_F(EventCommandsTest, WrongUsageCostsNoCall) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"event"},
                                             {"event", "list", "--after", "-1"},
                                             {"event", "list", "--after", "99999999999999999999"},
                                             {"event", "list", "--limit", "many"},
                                             {"event", "list", "--type"},
                                             {"event", "list", "text"},
                                             {"event", "watch", "--after", ""},
                                             {"event", "watch", "--limit", "0"},
                                             {"event", "watch", "--type", "\xff"}}) {
    EXPECT_EQ(Run(args), kExitUsage) << absl::StrJoin(args, " ");
    EXPECT_THAT(err_.str(), StartsWith("hongyan: "));
    EXPECT_EQ(out_.str(), "");
  }
  EXPECT_EQ(service_.event_lists.size() + service_.watches.size(), 0U);
}

}  // namespace
}  // namespace hongyan::cli
