#include "server/endpoints/admin/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/endpoints/admin/process_metrics.h"
#include "server/endpoints/admin/storage_metrics.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::endpoints {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::RequestHead Head(const std::string& method, const std::string& path) {
  http::RequestHead head;
  head.method = method;
  head.path = path;
  return head;
}

base::AccountLabels Labels(absl::string_view token_api, std::vector<absl::string_view> callbacks) {
  return {{"text", "template"}, token_api, wechat::WechatClient::Apis(), std::move(callbacks)};
}

class AdminTest : public ::testing::Test {
 protected:
  base::Metrics metrics_;
  Readiness readiness_;
  absl::Status liveness_;
  AdminEndpoint endpoint_{metrics_,
                          [this] { return readiness_; },
                          [this] { return liveness_; },
                          [] {
                            storage::StorageStats stats;
                            stats.commits = 3;
                            stats.damaged = 2;
                            stats.lost_events = 5;
                            return StorageFigures(stats);
                          },
                          {"1.2.3", "abcdef"}};
};

TEST_F(AdminTest, ReadyzFollowsTheService) {
  readiness_ = {false, "starting\n"};
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/readyz")).status, 503);
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/readyz")).body, "not ready\nstarting\n");
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/livez")).status, 200);
  readiness_ = {true, "main: no token: 40164\n"};
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/readyz")).status, 200);
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/readyz")).body, "ready\nmain: no token: 40164\n");
}

TEST_F(AdminTest, A03_LivezSaysWhatOnlyARestartMends) {
  readiness_ = {false, "draining\n"};
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/livez")).body, "ok\n");
  liveness_ = absl::UnavailableError("the gRPC port does not answer");
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/livez")).status, 503);
  EXPECT_EQ(endpoint_.Answer(Head("GET", "/livez")).body, "the gRPC port does not answer\n");
}

TEST_F(AdminTest, HealthzIsLivez) {
  EXPECT_FALSE(endpoint_.CheckHead(Head("GET", "/healthz")).has_value());
  const auto livez = endpoint_.Answer(Head("GET", "/livez"));
  const auto healthz = endpoint_.Answer(Head("GET", "/healthz"));
  EXPECT_EQ(healthz.status, livez.status);
  EXPECT_EQ(healthz.body, livez.body);
}

TEST_F(AdminTest, WhatOnlyGrowsIsACounter) {
  base::RaiseTo(3, metrics_.signatures_forgotten);
  base::RaiseTo(5, metrics_.signatures_forgotten);
  const std::string body = endpoint_.Answer(Head("GET", "/metrics")).body;
  for (const char* line : {"# TYPE hongyan_callback_signatures_forgotten_total counter\n",
                           "\nhongyan_callback_signatures_forgotten_total 5\n",
                           "# TYPE hongyan_log_lines_dropped_total counter\n",
                           "# TYPE hongyan_storage_lost_events_total counter\n",
                           "\nhongyan_storage_lost_events_total 5\n"}) {
    EXPECT_THAT(body, HasSubstr(line));
  }
}

TEST_F(AdminTest, WhatIsWorthAnAlertBeginsAtZero) {
  metrics_.Introduce("main", Labels("/cgi-bin/stable_token", {"text"}));
  const std::string body = endpoint_.Answer(Head("GET", "/metrics")).body;
  for (
      const char* series :
      {R"(hongyan_wechat_requests_total{account="main",api="/cgi-bin/stable_token",errcode="40164"} 0)",
       R"(hongyan_wechat_requests_total{account="main",api="/cgi-bin/stable_token",errcode="40125"} 0)",
       R"(hongyan_wechat_requests_total{account="main",api="/cgi-bin/message/custom/send",errcode="48001"} 0)",
       R"(hongyan_wechat_requests_total{account="main",api="/cgi-bin/message/template/send",errcode="45009"} 0)",
       R"(hongyan_sends_total{account="main",kind="text",outcome="unknown"} 0)",
       R"(hongyan_callbacks_total{account="main",outcome="forbidden",type="unknown"} 0)",
       R"(hongyan_callbacks_total{account="unknown",outcome="not_found",type="unknown"} 0)"}) {
    EXPECT_THAT(body, HasSubstr(absl::StrCat(series, "\n")));
  }
}

TEST_F(AdminTest, EachApiThatIsCalledHasItsErrcodesAtZero) {
  metrics_.Introduce("main", Labels("/cgi-bin/token", {}));
  const std::string body = endpoint_.Answer(Head("GET", "/metrics")).body;
  const auto series = [](absl::string_view api, absl::string_view errcode) {
    return absl::StrCat("hongyan_wechat_requests_total{account=\"main\",api=\"/cgi-bin/", api,
                        "\",errcode=\"", errcode, "\"} 0\n");
  };
  for (const char* api :
       {"message/custom/send", "message/custom/typing", "message/template/send",
        "template/get_all_private_template", "user/get", "user/info", "user/info/batchget"}) {
    EXPECT_THAT(body, HasSubstr(series(api, "45009")));
    EXPECT_THAT(body, HasSubstr(series(api, "48001")));
  }
  EXPECT_THAT(body, HasSubstr(series("token", "45009")));
  // The endpoint of tokens doesn't ask what else the account may do.
  EXPECT_THAT(body, Not(HasSubstr(series("token", "48001"))));
}

TEST_F(AdminTest, OnlyKnownPathsAndReadingMethods) {
  for (const char* path : {"/", "/metrics/", "/Livez", "/debug/pprof", "/config", "/env"}) {
    EXPECT_EQ(endpoint_.CheckHead(Head("GET", path))->status, 404) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto reply = endpoint_.CheckHead(Head(method, "/metrics"));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, 405);
    EXPECT_EQ(reply->allow, "GET, HEAD");
  }
  EXPECT_FALSE(endpoint_.CheckHead(Head("GET", "/metrics")).has_value());
  EXPECT_FALSE(endpoint_.CheckHead(Head("HEAD", "/readyz")).has_value());
}

TEST_F(AdminTest, MetricsAreThePrometheusTextFormat) {
  metrics_.callbacks.At({"main", "text", "ok"}).Increment();
  const auto reply = endpoint_.Answer(Head("GET", "/metrics"));
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(reply.body,
              HasSubstr("hongyan_build_info{revision=\"abcdef\",version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(
      reply.body,
      HasSubstr("hongyan_callbacks_total{account=\"main\",outcome=\"ok\",type=\"text\"} 1\n"));
  // Each family is declared once, and every sample belongs to one.
  std::set<std::string> declared;
  for (const absl::string_view line : absl::StrSplit(reply.body, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "# TYPE ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      EXPECT_TRUE(declared.insert(words[2]).second) << line;
    }
  }
  for (const char* name :
       {"process_cpu_seconds_total", "process_start_time_seconds", "process_virtual_memory_bytes",
        "process_resident_memory_bytes", "process_open_fds", "process_max_fds"}) {
    EXPECT_EQ(declared.count(name), 1u) << name;
  }
}

TEST(ProcessMetricsTest, FactsAreThoseOfThisProcess) {
  const ProcessFacts before = ReadProcessFacts();
  ASSERT_TRUE(before.open_fds && before.resident_memory_bytes && before.start_time_seconds);
  const int fd = dup(0);
  EXPECT_EQ(*ReadProcessFacts().open_fds, *before.open_fds + 1);
  close(fd);
  EXPECT_EQ(*before.max_fds, sysconf(_SC_OPEN_MAX));
  EXPECT_GT(*before.resident_memory_bytes, 1 << 20);
  EXPECT_GE(*before.virtual_memory_bytes, *before.resident_memory_bytes);
  EXPECT_NEAR(*before.start_time_seconds, static_cast<double>(time(nullptr)), 120);
}

TEST(ProcessMetricsTest, WhatCannotBeReadIsLeftOut) {
  ProcessFacts facts;
  facts.open_fds = 7;
  const std::vector<base::Figure> figures = ProcessFigures(facts);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_STREQ(figures[0].name, "process_open_fds");
  EXPECT_EQ(figures[0].value, 7);
}

}  // namespace
}  // namespace hongyan::endpoints
