#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "absl/strings/str_format.h"
#include "client/cli/batch_journal.h"
#include "client/cli/commands/send_batch.h"
#include "tests/unit/client/fake_service.h"

namespace hongyan::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteAll(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string Line(const std::string& openid, const std::string& key = "") {
  return absl::StrCat(R"({"openid":")", openid, R"(","text":{"content":"您好 )", openid, R"("})",
                      key.empty() ? "" : absl::StrCat(R"(,"idempotency_key":")", key, R"(")"), "}");
}

class BatchTest : public testing::Test {
 protected:
  BatchTest() {
    std::string pattern = testing::TempDir() + "hongyan-batch-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    file_ = folder_ + "/list.jsonl";
    // By default every notification is accepted, but those to oFail…, oUnknown… and oSilent….
    service_.on_batch = [this](auto&, const v1::SendBatchRequest& request, auto& writer) {
      for (int i = 0; i < request.notifications_size(); ++i) {
        const std::string& openid = request.notifications(i).openid();
        {
          const std::lock_guard lock(mutex_);
          received_.insert(openid);
        }
        v1::SendBatchResponse result;
        result.set_index(i);
        v1::Delivery& delivery = *result.mutable_delivery();
        delivery.set_openid(openid);
        delivery.set_state(v1::DELIVERY_STATE_ACCEPTED);
        if (openid.starts_with("oSilent")) continue;
        if (openid.starts_with("oFail")) {
          delivery.set_state(v1::DELIVERY_STATE_FAILED);
          *delivery.mutable_error() = client::Failure{.code = grpc::StatusCode::FAILED_PRECONDITION,
                                                      .reason = "NOT_SUBSCRIBED",
                                                      .message = "not a follower"}
                                          .ToProto();
        }
        if (openid.starts_with("oUnknown")) delivery.set_state(v1::DELIVERY_STATE_UNKNOWN);
        writer.Write(result);
      }
      return grpc::Status::OK;
    };
  }
  ~BatchTest() override { std::filesystem::remove_all(folder_); }

  int Run(const SendBatchArgs& more = {}) {
    SendBatchArgs args = more;
    if (args.file.empty()) args.file = file_;
    GlobalArgs global;
    global.target = service_.target();
    global.output = output_;
    global.account = "main";
    auto client = client::Client::Connect({.target = service_.target()});
    out_.str("");
    err_.str("");
    std::istringstream in(stdin_);
    Console console{.in = in, .out = out_, .err = err_, .language = language_};
    Session session{**client, global, console, signal_};
    return SendBatch(args, session);
  }

  std::string folder_;
  std::string file_;
  std::string stdin_;
  OutputForm output_ = OutputForm::kTable;
  Language language_ = Language::kEnglish;
  client::FakeService service_;
  std::mutex mutex_;  // guards received_ while calls run
  std::multiset<std::string> received_;
  StopSignal signal_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(BatchTest, AllAccepted) {
  WriteAll(file_, Line("o1") + "\n" + Line("o2") + "\n");
  EXPECT_EQ(Run(), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "line 1  ACCEPTED  o1\nline 2  ACCEPTED  o2\n2 notifications: 2 accepted\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(service_.batches[0].notifications(0).account(), "main");
  EXPECT_EQ(service_.batches[0].notifications(0).text().content(), "您好 o1");
  EXPECT_FALSE(std::filesystem::exists(file_ + ".failed.jsonl"));
  EXPECT_FALSE(std::filesystem::exists(file_ + ".unknown.jsonl"));
}

TEST_F(BatchTest, FailedAndUnknownLinesGoToTheirFilesAsTheyWere) {
  WriteAll(file_, Line("o1") + "\n" + Line("oFail2") + "\n" + Line("oUnknown3") + "\n" +
                      Line("oSilent4") + "\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(ReadAll(file_ + ".failed.jsonl"), Line("oFail2") + "\n");
  EXPECT_EQ(ReadAll(file_ + ".unknown.jsonl"), Line("oUnknown3") + "\n" + Line("oSilent4") + "\n");
  EXPECT_THAT(out_.str(), HasSubstr("line 2  FAILED  oFail2  NOT_SUBSCRIBED: not a follower\n"));
  EXPECT_THAT(out_.str(), HasSubstr("4 notifications: 1 accepted, 1 failed, 2 unknown\n"));
  EXPECT_THAT(err_.str(), HasSubstr(file_ + ".failed.jsonl"));
  EXPECT_THAT(err_.str(), HasSubstr(file_ + ".unknown.jsonl"));
}

TEST_F(BatchTest, FailedFileCanBeNamedAndSentAgain) {
  WriteAll(file_, Line("oFail1") + "\n");
  const std::string failed = folder_ + "/again.jsonl";
  EXPECT_EQ(Run({.failed_file = failed}), kExitFailed);
  service_.on_batch = [](auto&, const auto&, auto& writer) {
    v1::SendBatchResponse result;
    result.mutable_delivery()->set_state(v1::DELIVERY_STATE_ACCEPTED);
    writer.Write(result);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({.file = failed}), kExitOk) << err_.str();
  EXPECT_EQ(Run({.file = failed, .failed_file = failed}), kExitUsage);
  EXPECT_TRUE(std::filesystem::exists(failed));
}

TEST_F(BatchTest, ABadLineFailsAlone) {
  const std::string bad = R"({"openid":"o4","txt":{}})";
  WriteAll(file_, Line("o1") + "\n\n{oops\xff\n" + bad + "\n" + Line("oFail5") + "\n" + Line("o6"));
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(received_, (std::multiset<std::string>{"o1", "oFail5", "o6"}));
  EXPECT_THAT(out_.str(), HasSubstr("line 3  FAILED  not UTF-8\n"));
  EXPECT_THAT(out_.str(), HasSubstr("line 4  FAILED  no notification: "));
  EXPECT_THAT(out_.str(), HasSubstr("5 notifications: 2 accepted, 3 failed\n"));
  EXPECT_EQ(ReadAll(file_ + ".failed.jsonl"), "{oops\xff\n" + bad + "\n" + Line("oFail5") + "\n");
  EXPECT_THAT(err_.str(), HasSubstr(file_ + ".failed.jsonl"));

  // It is finished like the others: nothing of it is left for --resume, which doesn't call that a
  // success.
  EXPECT_EQ(Run({.resume = true}), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("5 notifications: 0 accepted, 5 finished before\n"));
  EXPECT_THAT(err_.str(), HasSubstr("not accepted: 3, see " + file_ + ".failed.jsonl\n"));
  EXPECT_EQ(service_.calls(), 1U);

  language_ = Language::kChinese;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("line 4  FAILED  不是有效的通知："));
  EXPECT_THAT(out_.str(), HasSubstr("共 5 条：已接受 2，失败 3\n"));
}

TEST_F(BatchTest, WithBadLinesAloneNothingIsSent) {
  WriteAll(file_, "{oops\nnonsense\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(ReadAll(file_ + ".failed.jsonl"), "{oops\nnonsense\n");
  EXPECT_THAT(out_.str(), HasSubstr("line 1  FAILED  no notification: "));
  EXPECT_THAT(out_.str(), HasSubstr("2 notifications: 0 accepted, 2 failed\n"));
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(BatchTest, ABadLineIsAnObjectInJsonToo) {
  output_ = OutputForm::kJson;
  WriteAll(file_, "{oops\n" + Line("o2") + "\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out_.str(), testing::StartsWith(R"({"line":1,"delivery":{)"));
  EXPECT_THAT(out_.str(), HasSubstr(R"("message":"no notification: )"));
  EXPECT_THAT(out_.str(), HasSubstr(R"({"notifications":2,"accepted":1,"failed":1,"unknown":0,)"));
}

TEST_F(BatchTest, ABadLineDoesNotStandInTheWayOfTheNextRun) {
  WriteAll(file_, "{oops\n" + Line("o2") + "\n");
  const auto usual = service_.on_batch;
  service_.on_batch = [](auto&, const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::UNAUTHENTICATED,
                           .reason = "CREDENTIALS_MISSING"}
        .ToGrpc();
  };
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("2 notifications: 0 accepted, 1 failed, 1 not sent\n"));
  service_.on_batch = usual;
  // Nothing was sent, so nothing can be sent twice: no --resume is asked for.
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("2 notifications: 1 accepted, 1 failed\n"));
  EXPECT_EQ(ReadAll(file_ + ".failed.jsonl"), "{oops\n");
}

TEST_F(BatchTest, B10_ACallHasNoMoreThanTheServiceSendsAtOnce) {
  std::string content;
  for (int i = 1; i <= 1001; ++i) content += Line(absl::StrCat("o", i)) + "\n";
  WriteAll(file_, content);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_EQ(service_.batches.size(), 32U);
  for (const v1::SendBatchRequest& batch : service_.batches) {
    EXPECT_LE(batch.notifications_size(), 32);
  }
  EXPECT_EQ(received_.size(), 1001U);
  EXPECT_EQ(std::set<std::string>(received_.begin(), received_.end()).size(), 1001U);
  EXPECT_THAT(err_.str(), testing::MatchesRegex("5..?/1001\n(10..?/1001\n)?"));
}

TEST_F(BatchTest, StandardInputKeepsNoProgress) {
  stdin_ = Line("o1") + "\n";
  EXPECT_EQ(Run({.file = "-"}), kExitOk) << err_.str();
  EXPECT_FALSE(std::filesystem::exists("-.progress"));
  EXPECT_EQ(Run({.file = "-", .resume = true}), kExitUsage);
}

TEST_F(BatchTest, JsonHasAnObjectForEachResultAndOneForTheSummary) {
  output_ = OutputForm::kJson;
  WriteAll(file_, Line("o1") + "\n" + Line("oFail2") + "\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out_.str(), testing::StartsWith(R"({"line":1,"delivery":{"id":"","account":)"));
  EXPECT_THAT(out_.str(), HasSubstr("\n"
                                    R"({"line":2,"delivery":{)"));
  EXPECT_THAT(out_.str(),
              HasSubstr("\n"
                        R"({"summary":{"notifications":2,"accepted":1,"failed":1,"unknown":0,)"));
}

TEST_F(BatchTest, InterruptStopsBetweenCallsAndResumeSendsTheRest) {
  std::string content;
  for (int i = 1; i <= 600; ++i) content += Line(absl::StrCat("o", i)) + "\n";
  WriteAll(file_, content);
  const auto usual = service_.on_batch;
  service_.on_batch = [&](auto& context, const auto& request, auto& writer) {
    signal_.stop = true;
    return usual(context, request, writer);
  };
  EXPECT_EQ(Run(), kExitFailed);
  // The second call had begun, or not.
  const std::size_t sent = received_.size();
  EXPECT_TRUE(sent == 32 || sent == 64) << sent;
  EXPECT_THAT(out_.str(), HasSubstr(absl::StrCat("600 notifications: ", sent, " accepted, ",
                                                 600 - sent, " not sent\n")));
  EXPECT_THAT(err_.str(), HasSubstr("--resume"));

  // Without a word about it nothing is sent twice.
  service_.on_batch = usual;
  signal_.stop = false;
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr(absl::StrCat("stopped after ", sent, " of 600")));
  EXPECT_EQ(received_.size(), sent);

  EXPECT_EQ(Run({.resume = true}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr(absl::StrCat("600 notifications: ", 600 - sent, " accepted, ",
                                                 sent, " finished before\n")));
  EXPECT_EQ(received_.size(), 600U);
  EXPECT_EQ(received_.count("o1"), 1U);
  EXPECT_EQ(received_.count("o600"), 1U);

  // All done: --resume has nothing to do, a plain run begins anew.
  EXPECT_EQ(Run({.resume = true}), kExitOk);
  EXPECT_EQ(received_.size(), 600U);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_EQ(received_.size(), 1200U);
}

TEST_F(BatchTest, RestartSendsAllAgain) {
  WriteAll(file_, Line("o1") + "\n" + Line("o2") + "\n");
  WriteAll(file_ + ".progress",
           absl::StrFormat("hongyan-progress 1 %016x\nbegin 1 1\nfinish 1 ACCEPTED\n",
                           Fingerprint(ReadAll(file_))));
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_EQ(Run({.restart = true}), kExitOk) << err_.str();
  EXPECT_EQ(received_.size(), 2U);
}

TEST_F(BatchTest, AfterACrashLinesOnTheirWayAreNotSentAgainUnlessTheyHaveAKey) {
  WriteAll(file_,
           Line("o1") + "\n" + Line("o2") + "\n" + Line("o3", "key-3") + "\n" + Line("o4") + "\n");
  // The process died during the call of lines 1 to 3, while it wrote about line 2.
  WriteAll(file_ + ".progress",
           absl::StrFormat("hongyan-progress 1 %016x\nbegin 1 3\nfinish 1 ACCEPTED\nfinish 2 AC",
                           Fingerprint(ReadAll(file_))));
  EXPECT_EQ(Run({.resume = true}), kExitFailed);
  EXPECT_THAT(received_, ElementsAre("o3", "o4"));
  EXPECT_EQ(ReadAll(file_ + ".unknown.jsonl"), Line("o2") + "\n");
  EXPECT_THAT(out_.str(), HasSubstr("4 notifications: 2 accepted, 1 unknown, 1 finished before\n"));
  EXPECT_EQ(Run({.resume = true}), kExitFailed);
  EXPECT_EQ(received_.size(), 2U);
}

TEST_F(BatchTest, B10_ACallThatSentNothingIsUndoneAmongOthers) {
  WriteAll(file_, Line("o1") + "\n" + Line("o2") + "\n" + Line("o3") + "\n");
  WriteAll(file_ + ".progress",
           absl::StrFormat("hongyan-progress 1 %016x\nbegin 1 1\nbegin 2 2\nrelease 1 1\n",
                           Fingerprint(ReadAll(file_))));
  EXPECT_EQ(Run({.resume = true}), kExitFailed);
  EXPECT_THAT(received_, ElementsAre("o1", "o3"));
  EXPECT_EQ(ReadAll(file_ + ".unknown.jsonl"), Line("o2") + "\n");
}

TEST_F(BatchTest, ProgressOfAnotherContentIsRefused) {
  WriteAll(file_, Line("o1") + "\n");
  WriteAll(file_ + ".progress", "hongyan-progress 1 0000000000000000\nbegin 1 1\n");
  EXPECT_EQ(Run({.resume = true}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("has changed since; --restart sends all lines\n"));
  language_ = Language::kChinese;
  EXPECT_EQ(Run({.resume = true}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("文件此后已改动；用 --restart 发送所有行\n"));
  WriteAll(file_ + ".progress", "my notes\n");
  EXPECT_EQ(Run({.resume = true}), kExitUsage);
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(BatchTest, ARefusedCallLeavesItsLinesForResume) {
  WriteAll(file_, Line("o1") + "\n");
  const auto usual = service_.on_batch;
  service_.on_batch = [](auto&, const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::UNAUTHENTICATED,
                           .reason = "CREDENTIALS_MISSING"}
        .ToGrpc();
  };
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("hongyan: send batch failed: it failed\n"));
  EXPECT_THAT(err_.str(), HasSubstr("HONGYAN_TOKEN"));
  EXPECT_THAT(out_.str(), HasSubstr("1 notification: 0 accepted, 1 not sent\n"));
  service_.on_batch = usual;
  EXPECT_EQ(Run({.resume = true}), kExitOk) << err_.str();
  EXPECT_EQ(received_.size(), 1U);
}

TEST_F(BatchTest, ALostCallLeavesItsLinesUnknown) {
  WriteAll(file_, Line("o1") + "\n" + Line("o2") + "\n");
  service_.on_batch = [](auto&, const auto&, auto& writer) -> grpc::Status {
    v1::SendBatchResponse result;
    result.mutable_delivery()->set_state(v1::DELIVERY_STATE_ACCEPTED);
    writer.Write(result);
    return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
  };
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(ReadAll(file_ + ".unknown.jsonl"), Line("o2") + "\n");
  EXPECT_THAT(err_.str(), HasSubstr("may have gone out"));
}

TEST_F(BatchTest, WhatTheServiceSentWithoutTellingItsResultIsUnknown) {
  const client::Failure not_read{.code = grpc::StatusCode::UNKNOWN,
                                 .reason = "OUTCOME_UNKNOWN",
                                 .message = "the results were not read for 30 seconds"};
  const auto usual = service_.on_batch;
  for (const int answers : {1, 0}) {
    // More than two calls hold, which is what runs at once.
    std::set<std::string> all;
    std::string content;
    for (int i = 1; i <= 65; ++i) {
      all.insert(absl::StrFormat("o%03d", i));
      content += Line(absl::StrFormat("o%03d", i)) + "\n";
    }
    WriteAll(file_, content);
    service_.batches.clear();
    service_.on_batch = [&](auto&, const auto&, auto& writer) {
      v1::SendBatchResponse result;
      result.mutable_delivery()->set_state(v1::DELIVERY_STATE_ACCEPTED);
      if (answers == 1) writer.Write(result);
      return not_read.ToGrpc();
    };
    EXPECT_EQ(Run({.restart = true}), kExitFailed);
    // The second call had begun when the first one failed, or not.
    const int calls = static_cast<int>(service_.batches.size());
    EXPECT_TRUE(calls == 1 || calls == 2) << calls;
    std::set<std::string> begun;
    for (const v1::SendBatchRequest& batch : service_.batches) {
      for (const v1::Notification& one : batch.notifications()) begun.insert(one.openid());
    }
    const int accepted = calls * answers;
    const int unknown = calls * 32 - accepted;
    EXPECT_THAT(out_.str(),
                HasSubstr(absl::StrCat("65 notifications: ", accepted, " accepted, ", unknown,
                                       " unknown, ", 65 - calls * 32, " not sent\n")));
    EXPECT_THAT(out_.str(), HasSubstr("line 32  UNKNOWN  o032  OUTCOME_UNKNOWN: the results"));
    EXPECT_THAT(err_.str(), HasSubstr("what to do: The message may have gone out"));
    EXPECT_EQ(ReadAll(file_ + ".unknown.jsonl").size(), unknown * (Line("o001").size() + 1));
    // What is unknown is not sent again, and what had not begun is.
    service_.on_batch = usual;
    received_.clear();
    EXPECT_EQ(Run({.resume = true}), kExitFailed);
    for (const std::string& openid : begun) all.erase(openid);
    EXPECT_EQ(received_, std::multiset<std::string>(all.begin(), all.end()));
  }
}

TEST_F(BatchTest, WithoutServiceNothingIsLost) {
  WriteAll(file_, Line("o1") + "\n");
  service_.Stop();
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(err_.str(), HasSubstr("no connection to"));
  EXPECT_THAT(out_.str(), HasSubstr("1 not sent"));
  EXPECT_FALSE(std::filesystem::exists(file_ + ".unknown.jsonl"));
}

TEST_F(BatchTest, UnreadableOrEmptyFilesAreWrongUsage) {
  EXPECT_EQ(Run({.file = folder_ + "/absent"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("No such file"));
  EXPECT_EQ(Run({.file = folder_}), kExitUsage);
  WriteAll(file_, "\n\n");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no notification to send"));
  language_ = Language::kChinese;
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_EQ(err_.str(), "hongyan: 没有要发送的通知\n");
  EXPECT_EQ(Run({.file = folder_}), kExitUsage);
  EXPECT_EQ(err_.str(), absl::StrCat("hongyan: ", folder_, " 是文件夹\n"));
}

}  // namespace
}  // namespace hongyan::cli
