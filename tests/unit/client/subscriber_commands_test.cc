#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/run.h"
#include "tests/unit/client/fake_followers.h"
#include "tests/unit/client/fake_service.h"

namespace hongyan::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

v1::Subscriber Person(const std::string& openid) {
  v1::Subscriber one;
  one.set_account("main");
  one.mutable_user()->set_openid(openid);
  one.mutable_user()->set_subscribed(true);
  one.mutable_user()->set_remark("老王\x1b[2J");
  one.mutable_last_inbound_time()->set_seconds(1717214400);
  one.mutable_window_expire_time()->set_seconds(1717387200);
  one.set_allowance_left(5);
  return one;
}

v1::SyncSubscribersResponse Report(std::int64_t total, std::int64_t listed, std::int64_t fetched) {
  v1::SyncSubscribersResponse report;
  report.set_total(total);
  report.set_listed(listed);
  report.set_fetched(fetched);
  report.mutable_start_time()->set_seconds(1717214400);
  return report;
}

class SubscriberCommandsTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& args) {
    out_.str("");
    err_.str("");
    std::istringstream in;
    Console console{.in = in,
                    .out = out_,
                    .err = err_,
                    .err_is_terminal = terminal_,
                    .language = language_,
                    .zone = absl::FixedTimeZone(8 * 3600)};
    const auto environment = [this](const char* name) {
      return std::string(name) == "HONGYAN_TARGET" ? service_.target() : "";
    };
    return cli::Run(args, environment, console);
  }

  // Pages of what was asked for, `count` people in all.
  void Has(std::int64_t count) {
    service_.on_list = [count](const v1::ListSubscribersRequest& request, auto& response) {
      std::int64_t next = request.page_token().empty() ? 0 : std::stoll(request.page_token());
      for (int i = 0; i < request.page_size() && next < count; ++i, ++next) {
        *response.add_subscribers() = Person(absl::StrCat("o", next));
      }
      if (next < count) response.set_next_page_token(absl::StrCat(next));
      return grpc::Status::OK;
    };
  }

  client::FakeFollowers service_;
  bool terminal_ = false;
  Language language_ = Language::kEnglish;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(SubscriberCommandsTest, GetShowsTheWindowAndHarmlessText) {
  service_.on_get = [](const auto&, v1::GetSubscriberResponse& response) {
    *response.mutable_subscriber() = Person("oA");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"subscriber", "get", "oA", "--account", "main"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "account             main\n"
            "openid              oA\n"
            "subscribed          yes\n"
            "remark              老王\\u001b[2J\n"
            "last_inbound_time   2024-06-01T12:00:00+08:00\n"
            "window_expire_time  2024-06-03T12:00:00+08:00\n"
            "allowance_left      5\n");
  EXPECT_EQ(service_.gets[0].openid(), "oA");
  EXPECT_EQ(service_.gets[0].account(), "main");
  EXPECT_EQ(Run({"subscriber", "get", "--unionid", "u1", "-o", "json"}), kExitOk);
  EXPECT_EQ(service_.gets[1].unionid(), "u1");
  EXPECT_THAT(out_.str(), HasSubstr(R"("last_inbound_time":"2024-06-01T04:00:00Z")"));
  EXPECT_THAT(out_.str(), HasSubstr("老王\\u001b[2J"));
}

TEST_F(SubscriberCommandsTest, AnUnknownPersonIsAFailureWithItsReason) {
  service_.on_get = [](const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::NOT_FOUND,
                           .reason = "SUBSCRIBER_NOT_FOUND",
                           .message = "no such subscriber is stored"}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"subscriber", "get", "oA"}), kExitFailed);
  EXPECT_THAT(err_.str(),
              StartsWith("hongyan: subscriber get failed: no such subscriber is stored\n"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(SubscriberCommandsTest, EveryFilterReachesTheService) {
  EXPECT_EQ(Run({"subscriber", "list", "--subscribed", "no", "--tag-id", "0", "--scene",
                 "ADD_SCENE_QR_CODE", "--updated-after", "2024-06-01 12:00", "--inbound-after",
                 "2024-06-01T04:00:00.5Z", "--account", "main"}),
            kExitOk)
      << err_.str();
  ASSERT_EQ(service_.lists.size(), 1U);
  const v1::ListSubscribersRequest& request = service_.lists[0];
  EXPECT_TRUE(request.has_subscribed());
  EXPECT_FALSE(request.subscribed());
  EXPECT_TRUE(request.has_tag_id());
  EXPECT_EQ(request.tag_id(), 0);
  EXPECT_EQ(request.subscribe_scene(), "ADD_SCENE_QR_CODE");
  EXPECT_EQ(request.updated_after().seconds(), 1717214400);
  EXPECT_EQ(request.inbound_after().seconds(), 1717214400);
  EXPECT_EQ(request.inbound_after().nanos(), 500'000'000);
  EXPECT_EQ(request.account(), "main");
  EXPECT_EQ(out_.str(), "");

  EXPECT_EQ(Run({"subscriber", "list"}), kExitOk);
  EXPECT_FALSE(service_.lists[1].has_subscribed());
  EXPECT_FALSE(service_.lists[1].has_tag_id());
  EXPECT_FALSE(service_.lists[1].has_updated_after());
}

TEST_F(SubscriberCommandsTest, PagesAreFollowedUpToTheLimit) {
  Has(2500);
  EXPECT_EQ(Run({"subscriber", "list"}), kExitOk);
  EXPECT_EQ(service_.lists.size(), 3U);
  std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n');
  ASSERT_EQ(lines.size(), 2502U);  // the heading, and what is behind the last line break
  EXPECT_THAT(lines[0], StartsWith("OPENID  SUBSCRIBED"));
  EXPECT_THAT(lines[2500], StartsWith("o2499"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));

  service_.lists.clear();
  EXPECT_EQ(Run({"subscriber", "list", "--limit", "1001", "-o", "json"}), kExitOk);
  ASSERT_EQ(service_.lists.size(), 2U);
  EXPECT_EQ(service_.lists[1].page_size(), 1);
  lines = absl::StrSplit(out_.str(), '\n');
  EXPECT_EQ(lines.size(), 1002U);
  EXPECT_THAT(lines[1000], HasSubstr(R"("openid":"o1000")"));
}

TEST_F(SubscriberCommandsTest, W05_AnEmptyListSaysWhatToDoNext) {
  EXPECT_EQ(Run({"subscriber", "list"}), kExitOk);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("`hongyan subscriber sync` imports the followers"));
  EXPECT_EQ(Run({"subscriber", "list", "--inbound-after", "30d"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("nobody who is stored fits"));
  EXPECT_EQ(Run({"subscriber", "list", "-o", "json"}), kExitOk);
  EXPECT_EQ(out_.str() + err_.str(), "");
}

TEST_F(SubscriberCommandsTest, APageWithoutRowsIsNotTheEnd) {
  service_.on_list = [](const v1::ListSubscribersRequest& request, auto& response) {
    if (request.page_token().empty()) response.set_next_page_token("more");
    if (request.page_token() == "more") *response.add_subscribers() = Person("oA");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"subscriber", "list"}), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("OPENID"));
  EXPECT_THAT(out_.str(), HasSubstr("\noA "));
}

TEST_F(SubscriberCommandsTest, WhatCameBeforeAFailureIsShown) {
  service_.on_list = [](const v1::ListSubscribersRequest& request, auto& response) {
    if (!request.page_token().empty()) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad token");
    }
    *response.add_subscribers() = Person("oA");
    response.set_next_page_token("x");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"subscriber", "list"}), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("\noA "));
  EXPECT_THAT(err_.str(), StartsWith("hongyan: subscriber list failed: bad token\n"));
}

TEST_F(SubscriberCommandsTest, WrongUsageCostsNoCall) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"subscriber"},
           {"subscriber", "get"},
           {"subscriber", "get", "o A"},
           {"subscriber", "get", "oA", "--unionid", "u"},
           {"subscriber", "get", "--unionid", "\xff"},
           {"subscriber", "list", "--subscribed", "maybe"},
           {"subscriber", "list", "--tag-id", "99999999999"},
           {"subscriber", "list", "--limit", "0"},
           {"subscriber", "list", "--scene", "\xff"},
           {"subscriber", "list", "--updated-after", "yesterday"},
           {"subscriber", "list", "--updated-after", "infinite-future"},
           {"subscriber", "list", "--inbound-after", "inf"},
           {"subscriber", "list", "--inbound-after", "-1h"},
           {"subscriber", "sync", "now"}}) {
    EXPECT_EQ(Run(args), kExitUsage) << absl::StrJoin(args, " ");
    EXPECT_THAT(err_.str(), StartsWith("hongyan: "));
  }
  EXPECT_EQ(service_.gets.size() + service_.lists.size() + service_.syncs.size(), 0U);
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"subscriber", "get"}), kExitUsage);
  EXPECT_EQ(err_.str(), "hongyan: 请给出 openid，或用 --unionid 给出 unionid\n");
}

TEST_F(SubscriberCommandsTest, SyncTellsItsProgressAndSumsUp) {
  service_.on_sync = [](const auto&, auto& writer) {
    writer.Write(Report(300, 100, 0));
    writer.Write(Report(300, 300, 200));
    auto last = Report(300, 300, 300);
    last.set_departed(4);
    last.mutable_finish_time()->set_seconds(1717214400 + 65);
    writer.Write(last);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"subscriber", "sync", "--restart"}), kExitOk) << err_.str();
  EXPECT_TRUE(service_.syncs[0].restart());
  EXPECT_EQ(err_.str(), "listed 100 of 300, profiles 0\nlisted 300 of 300, profiles 200\n");
  EXPECT_EQ(out_.str(),
            "300 followers: 300 listed, 300 with profile, 4 found to have left; took 1m5s\n");

  EXPECT_EQ(Run({"subscriber", "sync", "-o", "json"}), kExitOk);
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n');
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[1], HasSubstr(R"("fetched":"200")"));
  EXPECT_THAT(lines[2], HasSubstr(R"("finish_time":"2024-06-01T04:01:05Z")"));
  EXPECT_EQ(err_.str(), "");

  terminal_ = true;
  EXPECT_EQ(Run({"subscriber", "sync"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("list ["));
  EXPECT_THAT(err_.str(), HasSubstr("100/300  33%"));
  EXPECT_THAT(err_.str(), HasSubstr("profiles ["));
  EXPECT_THAT(err_.str(), testing::EndsWith("\r\033[K"));
  EXPECT_THAT(out_.str(), StartsWith("300 followers"));
}

TEST_F(SubscriberCommandsTest, A12_SyncTellsWhatCouldNotBeRead) {
  service_.on_sync = [](const auto&, auto& writer) {
    auto last = Report(300, 300, 298);
    last.set_unreadable(2);
    last.mutable_finish_time()->set_seconds(1717214400 + 65);
    writer.Write(last);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"subscriber", "sync"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "300 followers: 300 listed, 298 with profile, 0 found to have left; took 1m5s; 2 "
            "entries of WeChat's answers could not be read\n");
}

TEST_F(SubscriberCommandsTest, AnImportThatStopsHalfWaySaysHowToGoOn) {
  service_.on_sync = [](const auto&, auto& writer) {
    writer.Write(Report(300, 300, 200));
    return client::Failure{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                           .reason = "QUOTA_EXHAUSTED",
                           .message = "reach max api daily quota limit",
                           .chinese = "已达每日额度"}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"subscriber", "sync"}), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: subscriber sync failed: reach max"));
  EXPECT_THAT(err_.str(), HasSubstr("what was imported stays (300 of 300 listed)"));
  EXPECT_EQ(service_.syncs.size(), 1U);
  EXPECT_EQ(out_.str(), "");
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"subscriber", "sync"}), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: 导入关注者失败：已达每日额度"));
  EXPECT_THAT(err_.str(), HasSubstr("再次执行 `hongyan subscriber sync` 即可完成其余部分"));
}

TEST_F(SubscriberCommandsTest, AnImportGoesOnOverBrokenConnections) {
  service_.on_sync = [this](const v1::SyncSubscribersRequest&, auto& writer) -> grpc::Status {
    switch (service_.syncs.size()) {
      case 1:
        writer.Write(Report(300, 100, 0));
        return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
      case 2:
        // The service has not noticed yet that its first caller is gone.
        return client::Failure{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                               .reason = "OVERLOADED",
                               .message = "another import of this account runs"}
            .ToGrpc();
      default:
        auto last = Report(300, 300, 300);
        last.mutable_finish_time()->set_seconds(1717214400 + 65);
        writer.Write(last);
        return grpc::Status::OK;
    }
  };
  EXPECT_EQ(Run({"subscriber", "sync", "--restart"}), kExitOk) << err_.str();
  EXPECT_EQ(
      err_.str(),
      "listed 100 of 300, profiles 0\n"
      "hongyan: the import broke off (Socket closed), going on after 200ms\n"
      "hongyan: the import broke off (OVERLOADED: another import of this account runs), going "
      "on after 400ms\n");
  EXPECT_THAT(out_.str(), StartsWith("300 followers: 300 listed"));
  ASSERT_EQ(service_.syncs.size(), 3U);
  EXPECT_TRUE(service_.syncs[0].restart());
  EXPECT_FALSE(service_.syncs[1].restart());
  EXPECT_FALSE(service_.syncs[2].restart());
  service_.syncs.clear();
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"subscriber", "sync", "-o", "json"}), kExitOk);
  EXPECT_THAT(err_.str(),
              HasSubstr("hongyan: 导入中断：连接中断（Socket closed）；200ms 后自动继续\n"));
}

TEST_F(SubscriberCommandsTest, ATimeoutIsThatOfTheWholeImport) {
  service_.on_sync = [](const auto&, auto& writer) -> grpc::Status {
    writer.Write(Report(300, 100, 0));
    return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
  };
  EXPECT_EQ(Run({"subscriber", "sync", "--timeout", "1s"}), kExitFailed);
  // The third break would wait beyond the end.
  EXPECT_LE(service_.syncs.size(), 3U);
  EXPECT_THAT(err_.str(), HasSubstr("subscriber sync failed: Socket closed"));
  EXPECT_THAT(err_.str(), HasSubstr("the next `hongyan subscriber sync` does the rest"));
}

TEST_F(SubscriberCommandsTest, ASecondImportIsRefusedAtOnce) {
  service_.on_sync = [](const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                           .reason = "OVERLOADED",
                           .message = "another import of this account runs",
                           .retry_delay = absl::Minutes(1)}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"subscriber", "sync"}), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("another import of this account runs"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("goes on")));
  EXPECT_EQ(service_.syncs.size(), 1U);
}

}  // namespace
}  // namespace hongyan::cli
