#include "client/cli/run.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "tests/unit/client/fake_service.h"

namespace hongyan::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

void ExpectProto(const google::protobuf::Message& got, const char* wanted_text) {
  const std::unique_ptr<google::protobuf::Message> wanted(got.New());
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(wanted_text, wanted.get()));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(got, *wanted))
      << got.DebugString();
}

// The whole program but for main(), against the fake service.
class RunTest : public testing::Test {
 protected:
  RunTest() { env_["HONGYAN_TARGET"] = service_.target(); }

  int Run(const std::vector<std::string>& args) {
    out_.str("");
    err_.str("");
    std::istringstream in(stdin_);
    Console console{.in = in,
                    .out = out_,
                    .err = err_,
                    .language = language_,
                    .zone = absl::FixedTimeZone(8 * 3600)};
    return cli::Run(
        args, [this](const char* name) { return env_[name]; }, console);
  }

  client::FakeService service_;
  std::map<std::string, std::string> env_;
  std::string stdin_;
  Language language_ = Language::kEnglish;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(RunTest, SendTextShowsItsDelivery) {
  service_.on_text = [](auto&, const v1::SendTextRequest& request, auto& response) {
    v1::Delivery& delivery = *response.mutable_delivery();
    delivery.set_id("01J0000000000000000000000A");
    delivery.set_account("main");
    delivery.set_openid(request.openid());
    delivery.set_kind(v1::DELIVERY_KIND_TEXT);
    delivery.set_state(v1::DELIVERY_STATE_ACCEPTED);
    delivery.set_attempts(1);
    delivery.mutable_accept_time()->set_seconds(1717214400);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"send", "text", "oA", "您好"}), kExitOk) << err_.str();
  EXPECT_EQ(service_.texts[0].content(), "您好");
  EXPECT_EQ(out_.str(),
            "id        01J0000000000000000000000A\n"
            "account   main\n"
            "openid    oA\n"
            "kind      TEXT\n"
            "state     ACCEPTED\n"
            "attempts  1\n"
            "accepted  2024-06-01T12:00:00+08:00\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunTest, AFailedSendEndsWithOneAndItsReason) {
  service_.on_text = [](auto&, const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::FAILED_PRECONDITION,
                           .reason = "NOT_SUBSCRIBED",
                           .domain = "weixin.qq.com",
                           .message = "sendText: require subscribe",
                           .metadata = {{"errcode", "43004"}, {"rid", "r-1"}},
                           .chinese = "需要接收者关注"}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"send", "text", "oA", "hi"}), kExitFailed);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(),
              testing::StartsWith("hongyan: send text failed: sendText: require subscribe\n"
                                  "  what to do: The person must follow"));
  EXPECT_THAT(err_.str(), HasSubstr("errcode: 43004"));
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"send", "text", "oA", "hi"}), kExitFailed);
  EXPECT_THAT(err_.str(), testing::StartsWith("hongyan: 发送文本失败：需要接收者关注\n"
                                              "  怎么办：该用户需先关注公众号"));
}

TEST_F(RunTest, W05_AFailureIsJsonWhereJsonIsAskedFor) {
  service_.on_text = [](auto&, const auto&, auto&) {
    return client::Failure{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                           .reason = "OVERLOADED",
                           .message = "too much \x1b[2J",
                           .metadata = {{"account", "main"}},
                           .chinese = "并发过高",
                           .retry_delay = absl::Milliseconds(1500),
                           .field = {"openid", "is wrong"}}
        .ToGrpc();
  };
  EXPECT_EQ(Run({"send", "text", "oA", "hi", "-o", "json", "--timeout", "1s"}), kExitFailed);
  EXPECT_EQ(out_.str(), "");
  const std::string error = err_.str();
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1);
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));
  for (const char* part :
       {R"({"error":{"code":"RESOURCE_EXHAUSTED","reason":"OVERLOADED","domain":"hongyan",)",
        R"("localized_message":"并发过高")", R"("what_to_do":"Nothing was sent.)",
        R"("outcome":"not_sent")", R"("metadata":{"account":"main"})",
        R"("fields":[{"field":"openid","description":"is wrong"}])",
        R"("retry_after_seconds":1.5E0)"}) {
    EXPECT_THAT(err_.str(), HasSubstr(part));
  }
  EXPECT_EQ(Run({"send", "text", "o A", "hi", "-o", "json"}), kExitUsage);
  EXPECT_THAT(err_.str(), testing::StartsWith(R"({"error":{"code":"INVALID_ARGUMENT",)"));
}

TEST_F(RunTest, W05_AnAddressThatIsNoneIsWrongUsage) {
  EXPECT_EQ(Run({"user", "get", "oA", "--target", "http://127.0.0.1:9090"}), kExitUsage);
  EXPECT_EQ(
      err_.str(),
      "hongyan: the service's address 'http://127.0.0.1:9090' is a URL; write HOST:PORT alone, "
      "such as 127.0.0.1:9090\n");
  language_ = Language::kChinese;
  EXPECT_EQ(Run({"user", "get", "oA", "--target", "hongyan.example.org"}), kExitUsage);
  EXPECT_EQ(err_.str(),
            "hongyan: 服务地址“hongyan.example.org”没有端口：应为 HOST:PORT，例如 "
            "hongyan.example.org:9090\n");
}

TEST_F(RunTest, SendTemplateAnswersInJson) {
  service_.on_template = [](auto&, const v1::SendTemplateRequest& request, auto& response) {
    response.mutable_delivery()->set_msg_id(9007199254740993);
    response.mutable_delivery()->set_openid(request.openid());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"-o", "json", "send", "template", "oA", "T1", "thing1=茶"}), kExitOk)
      << err_.str();
  EXPECT_EQ(service_.templates[0].template_().data().at("thing1"), "茶");
  EXPECT_THAT(out_.str(), HasSubstr(R"("msg_id":"9007199254740993")"));
}

TEST_F(RunTest, AnEmptyArgumentIsWrongUsageAlsoWithoutService) {
  EXPECT_EQ(Run({"send", "text", "oA", ""}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("CONTENT is empty"));
  EXPECT_EQ(Run({"send", "template", "oA", "", "a=b"}), kExitUsage);
  EXPECT_TRUE(service_.texts.empty() && service_.templates.empty());
}

TEST_F(RunTest, AnyTextIsContent) {
  for (const char* content :
       {"[微笑]", "[a,b]", "user", "text", "=", "a b\nc", "{}", "'", "/help"}) {
    EXPECT_EQ(Run({"send", "text", "oA", content}), kExitOk) << err_.str();
    EXPECT_EQ(service_.texts.back().content(), content);
    EXPECT_EQ(service_.texts.back().openid(), "oA");
  }
  EXPECT_EQ(Run({"send", "text", "oA", "--", "-5°C"}), kExitOk) << err_.str();
  EXPECT_EQ(service_.texts.back().content(), "-5°C");
}

TEST_F(RunTest, SendTextTakesItsOptions) {
  EXPECT_EQ(Run({"send", "text", "oA", "--kf-account=kf@main", "<a href=\"x\">您好</a>\n",
                 "--idempotency-key", "k", "--validate-only", "--account", "main"}),
            kExitOk)
      << err_.str();
  ExpectProto(
      service_.texts[0],
      R"(account: "main" openid: "oA" content: "<a href=\"x\">您好</a>\n" kf_account: "kf@main"
         idempotency_key: "k" validate_only: true)");
}

TEST_F(RunTest, SendTemplateTakesItsKeywordsAndOptions) {
  EXPECT_EQ(Run({"send", "template", "oA", "T1", "thing1=a=b", "amount3=", "c=[1,2]", "--url",
                 "https://e.org/?a=b", "--mini-program", "wx1:pages/i?x=1:2", "--idempotency-key",
                 "k", "--validate-only"}),
            kExitOk)
      << err_.str();
  ExpectProto(service_.templates[0], R"(openid: "oA" idempotency_key: "k" validate_only: true
      template {
        template_id: "T1" url: "https://e.org/?a=b"
        data { key: "thing1" value: "a=b" } data { key: "amount3" value: "" }
        data { key: "c" value: "[1,2]" }
        mini_program { app_id: "wx1" page_path: "pages/i?x=1:2" } })");
  EXPECT_EQ(Run({"send", "template", "oA", "T1", "a=b", "--mini-program", "wx1"}), kExitOk);
  ExpectProto(service_.templates[1], R"(openid: "oA" template {
      template_id: "T1" data { key: "a" value: "b" } mini_program { app_id: "wx1" } })");
}

TEST_F(RunTest, TypingMistakesAreRefused) {
  const auto problem = [this](const std::vector<std::string>& args) {
    EXPECT_EQ(Run(args), kExitUsage);
    return err_.str();
  };
  const auto template_problem = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"send", "template", "oA", "T1"});
    return problem(more);
  };
  EXPECT_EQ(template_problem({"thing1"}), "hongyan: 'thing1' is not KEY=VALUE\n");
  EXPECT_EQ(template_problem({"=x"}), "hongyan: '=x' is not KEY=VALUE\n");
  EXPECT_EQ(template_problem({"a=1", "a=2"}), "hongyan: a is given twice\n");
  EXPECT_EQ(template_problem({"a=\xff"}), "hongyan: KEY=VALUE is not UTF-8\n");
  EXPECT_EQ(template_problem({"a=b", "--mini-program", ":path"}),
            "hongyan: --mini-program is APPID or APPID:PATH\n");
  EXPECT_EQ(problem({"send", "text", "oA", "\xc3("}), "hongyan: CONTENT is not UTF-8\n");
  for (const std::string& openid : {std::string("o A"), std::string(), std::string(129, 'o')}) {
    EXPECT_THAT(problem({"send", "text", openid, "x"}), HasSubstr("is no openid"));
  }
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(RunTest, AnArgumentThatTheServiceRefusesIsWrongUsage) {
  client::Failure failure{.code = grpc::StatusCode::INVALID_ARGUMENT};
  service_.on_text = [&failure](auto&, const auto&, auto&) { return failure.ToGrpc(); };
  const auto exit_code = [&](const char* reason, const char* field) {
    failure.reason = reason;
    failure.field = {field, "is wrong"};
    return Run({"send", "text", "oA", "hi"});
  };
  EXPECT_EQ(exit_code("INVALID_REQUEST", "content"), kExitUsage);
  EXPECT_EQ(exit_code("INVALID_REQUEST", "idempotency_key"), kExitUsage);
  EXPECT_EQ(exit_code("INVALID_REQUEST", "kf_account"), kExitFailed);
  EXPECT_EQ(exit_code("CONTENT_REJECTED", "content"), kExitFailed);
}

TEST_F(RunTest, WrongArgumentsCostNoCall) {
  EXPECT_EQ(Run({"send", "template", "oA", "T1", "thing1"}), kExitUsage);
  EXPECT_EQ(err_.str(), "hongyan: 'thing1' is not KEY=VALUE\n");
  EXPECT_EQ(Run({"send", "text", "o A", "hi"}), kExitUsage);
  EXPECT_EQ(Run({"send", "text", "oA", "hi", "--request-id", "a b"}), kExitUsage);
  EXPECT_EQ(Run({"send", "text", "oA", "hi", "--account", "\xff"}), kExitUsage);
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(RunTest, WrongArgumentsAreNamedInChineseInAChineseLocale) {
  language_ = Language::kChinese;
  env_["LANG"] = "zh_CN.UTF-8";
  env_["HONGYAN_TOKEN"] = "t0ken";
  stdin_ = "oC\no D\n";
  const std::map<std::string, std::vector<std::string>> wanted = {
      {"“thing1”不是 KEY=VALUE 的形式", {"send", "template", "oA", "T1", "thing1"}},
      {"“o A”不是 openid：应为 1 至 128 个可见 ASCII 字符", {"send", "text", "o A", "hi"}},
      {"CONTENT 不是 UTF-8", {"send", "text", "oA", "\xff"}},
      {"--request-id 应为 1 至 128 个可见 ASCII 字符",
       {"user", "get", "oA", "--request-id", "a b"}},
      {"--account 不是 UTF-8", {"user", "get", "oA", "--account", "\xff"}},
      {"请给出 openid，或用 --file 指定文件", {"user", "batch"}},
      {"第 2 行：“o D”不是 openid：应为 1 至 128 个可见 ASCII 字符",
       {"user", "batch", "--file", "-"}},
      {"无法读取 /nowhere.pem", {"user", "get", "oA", "--ca-file", "/nowhere.pem"}},
      {"令牌会未加密地经网络发往 example.org:1；请使用 --tls，在封闭网络中也可用 "
       "--allow-plaintext-token",
       {"user", "get", "oA", "--target", "example.org:1"}}};
  for (const auto& [problem, args] : wanted) {
    EXPECT_EQ(Run(args), kExitUsage) << problem;
    EXPECT_EQ(err_.str(), absl::StrCat("hongyan: ", problem, "\n"));
  }
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(RunTest, UserGetAndBatch) {
  service_.on_get = [](auto&, const v1::GetUserInfoRequest& request, auto& response) {
    response.mutable_user()->set_openid(request.openid());
    response.mutable_user()->set_language(request.lang());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"user", "get", "oA", "--lang", "zh_CN", "--account", "main"}), kExitOk);
  EXPECT_EQ(out_.str(), "openid      oA\nsubscribed  no\nlanguage    zh_CN\n");
  EXPECT_EQ(service_.gets[0].account(), "main");

  service_.on_batch_get = [](auto&, const v1::BatchGetUserInfoRequest& request, auto& response) {
    for (const std::string& openid : request.openids()) response.add_users()->set_openid(openid);
    return grpc::Status::OK;
  };
  stdin_ = "oC\n\noD\n";
  EXPECT_EQ(Run({"user", "batch", "oA", "oB", "--file", "-"}), kExitOk) << err_.str();
  EXPECT_EQ(service_.batch_gets[0].openids_size(), 4);
  EXPECT_THAT(out_.str(), testing::StartsWith("OPENID  SUBSCRIBED  SUBSCRIBE_TIME  SCENE"));
  EXPECT_THAT(out_.str(), HasSubstr("\noD      no          -"));
  EXPECT_EQ(Run({"user", "batch", "oA", "-o", "json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr(R"({"openid":"oA",)"));
  EXPECT_EQ(Run({"user", "batch"}), kExitUsage);
  stdin_ = "oC\no D\n";
  EXPECT_EQ(Run({"user", "batch", "--file", "-"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("line 2: 'o D' is no openid"));
}

TEST_F(RunTest, ManyUsersAreAskedInCallsOfAThousand) {
  for (int i = 0; i < 1001; ++i) stdin_ += absl::StrCat("o", i, "\n");
  EXPECT_EQ(Run({"user", "batch", "--file", "-"}), kExitOk) << err_.str();
  ASSERT_EQ(service_.batch_gets.size(), 2U);
  EXPECT_EQ(service_.batch_gets[0].openids_size(), 1000);
  EXPECT_EQ(service_.batch_gets[1].openids(0), "o1000");
}

TEST_F(RunTest, TheTokenComesFromFileOrEnvironmentAndIsNeverShown) {
  env_["HONGYAN_TOKEN"] = "env-t0ken";
  EXPECT_EQ(Run({"user", "get", "oA"}), kExitOk);
  EXPECT_EQ(service_.metadata[0]["authorization"], "Bearer env-t0ken");

  const std::string path = testing::TempDir() + absl::StrCat("hongyan-token-", getpid());
  std::ofstream(path) << "file-t0ken\n";
  EXPECT_EQ(Run({"user", "get", "oA", "--token-file", path}), kExitOk);
  EXPECT_EQ(service_.metadata[1]["authorization"], "Bearer file-t0ken");

  std::ofstream(path) << "bad t0ken\n";
  EXPECT_EQ(Run({"user", "get", "oA", "--token-file", path}), kExitUsage);
  EXPECT_THAT(err_.str(), Not(HasSubstr("t0ken")));
  std::ofstream(path) << "\n";
  EXPECT_EQ(Run({"user", "get", "oA", "--token-file", path}), kExitUsage);
  std::remove(path.c_str());
  EXPECT_EQ(Run({"user", "get", "oA", "--token-file", path}), kExitUsage);

  EXPECT_EQ(Run({"user", "get", "oA", "--target", "notify.example.org:9090"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--allow-plaintext-token"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("t0ken\n")));
  EXPECT_EQ(service_.calls(), 2U);
}

TEST_F(RunTest, OnlyARefusedTokenGetsAdviceAboutTls) {
  env_["HONGYAN_TOKEN"] = "t0ken";
  EXPECT_EQ(Run({"user", "get", "oA", "--ca-file", "/nowhere/unencrypted.pem"}), kExitUsage);
  EXPECT_EQ(err_.str(), "hongyan: can't read /nowhere/unencrypted.pem\n");
}

TEST_F(RunTest, RequestIdAndTimeoutReachTheCall) {
  EXPECT_EQ(Run({"user", "get", "oA", "--request-id", "req-1", "--timeout", "3s"}), kExitOk);
  EXPECT_EQ(service_.metadata[0]["x-request-id"], "req-1");
  EXPECT_LT(service_.time_left[0], absl::Seconds(4));
}

}  // namespace
}  // namespace hongyan::cli
