#include "hongyan_client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "hongyan_client/channel.h"
#include "hongyan_client/target.h"
#include "hongyan_client/visible_ascii.h"
#include "tests/unit/client/fake_service.h"

namespace hongyan::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ClientTest : public testing::Test {
 protected:
  std::unique_ptr<Client> Connect(Options options = {}) {
    options.target = service_.target();
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  // Fails `times` times, then succeeds.
  void TextsFail(int times, const Failure& failure, const char* pushback = nullptr) {
    service_.on_text = [this, times, failure, pushback](
                           grpc::ServerContext& context, const v1::SendTextRequest&,
                           v1::SendTextResponse& response) -> grpc::Status {
      if (static_cast<int>(service_.texts.size()) > times) {
        response.mutable_delivery()->set_id("01SENT");
        return grpc::Status::OK;
      }
      if (pushback != nullptr) context.AddTrailingMetadata("grpc-retry-pushback-ms", pushback);
      if (failure.reason.empty()) return {failure.code, failure.message};
      return failure.ToGrpc();
    };
  }

  static v1::SendTextRequest Text(const std::string& key = "") {
    v1::SendTextRequest request;
    request.set_openid("oABC");
    request.set_content("您好");
    request.set_idempotency_key(key);
    return request;
  }

  FakeService service_;
  const Failure overloaded_{.code = grpc::StatusCode::RESOURCE_EXHAUSTED,
                            .reason = "OVERLOADED",
                            .retry_delay = absl::Milliseconds(1)};
};

TEST_F(ClientTest, EveryCallHasADeadline) {
  auto client = Connect();
  ASSERT_TRUE(client->SendText(Text()).ok());
  ASSERT_TRUE(client->SendText(Text(), {.timeout = absl::Seconds(3)}).ok());
  ASSERT_TRUE(client->SendBatch({}, [](const auto&) {}).ok());
  ASSERT_EQ(service_.time_left.size(), 3U);
  EXPECT_GT(service_.time_left[0], absl::Seconds(7));
  // The wire rounds up.
  EXPECT_LT(service_.time_left[0], absl::Seconds(11));
  EXPECT_LT(service_.time_left[1], absl::Seconds(4));
  EXPECT_GT(service_.time_left[2], absl::Minutes(9));
  EXPECT_LT(service_.time_left[2], absl::Minutes(11));
}

TEST_F(ClientTest, TokenAndRequestIdTravelAsMetadata) {
  auto client = Connect({.token = "t0ken"});
  ASSERT_TRUE(client->SendText(Text(), {.request_id = "order-7"}).ok());
  EXPECT_EQ(service_.metadata[0]["authorization"], "Bearer t0ken");
  EXPECT_EQ(service_.metadata[0]["x-request-id"], "order-7");
}

TEST_F(ClientTest, NoTokenAndNoRequestIdNoMetadata) {
  auto client = Connect();
  ASSERT_TRUE(client->SendText(Text()).ok());
  EXPECT_FALSE(service_.metadata[0].contains("authorization"));
  EXPECT_FALSE(service_.metadata[0].contains("x-request-id"));
}

TEST_F(ClientTest, RequestIdThatCannotTravelIsRefusedHere) {
  auto client = Connect();
  const auto sent = client->SendText(Text(), {.request_id = "two words"});
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(service_.calls(), 0U);
}

TEST_F(ClientTest, OverloadedSendIsRepeated) {
  TextsFail(2, overloaded_);
  const auto sent = Connect()->SendText(Text());
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->delivery().id(), "01SENT");
  EXPECT_EQ(service_.calls(), 3U);
}

TEST_F(ClientTest, OverloadedSendIsRepeatedThreeTimesAtMost) {
  TextsFail(100, overloaded_);
  const auto sent = Connect()->SendText(Text());
  EXPECT_EQ(Describe(sent.status()).reason, "OVERLOADED");
  EXPECT_EQ(service_.calls(), 4U);
}

TEST_F(ClientTest, AWaitBeyondTheDeadlineIsNotBegun) {
  Failure far = overloaded_;
  far.retry_delay = absl::Hours(1);
  TextsFail(1, far);
  const absl::Time start = absl::Now();
  const auto sent = Connect()->SendText(Text(), {.timeout = absl::Minutes(2)});
  EXPECT_EQ(Describe(sent.status()).retry_delay, absl::Hours(1));
  EXPECT_EQ(service_.calls(), 1U);
  EXPECT_LT(absl::Now() - start, absl::Minutes(1));
}

TEST_F(ClientTest, NegativePushbackEndsRepeats) {
  TextsFail(1, overloaded_, "-1");
  EXPECT_FALSE(Connect()->SendText(Text()).ok());
  EXPECT_EQ(service_.calls(), 1U);
}

TEST_F(ClientTest, BareUnavailableSendIsNotRepeated) {
  TextsFail(1, {.code = grpc::StatusCode::UNAVAILABLE});
  const auto sent = Connect()->SendText(Text());
  EXPECT_EQ(GetOutcome(Describe(sent.status())), SendOutcome::kUnknown);
  EXPECT_EQ(service_.calls(), 1U);
}

TEST_F(ClientTest, BareUnavailableSendWithKeyIsRepeated) {
  TextsFail(1, {.code = grpc::StatusCode::UNAVAILABLE});
  EXPECT_TRUE(Connect()->SendText(Text("k1")).ok());
  ASSERT_EQ(service_.calls(), 2U);
  EXPECT_EQ(service_.texts[1].idempotency_key(), "k1");
}

TEST_F(ClientTest, UnknownOutcomeIsNeverRepeated) {
  TextsFail(1, {.code = grpc::StatusCode::UNKNOWN, .reason = "OUTCOME_UNKNOWN"});
  EXPECT_FALSE(Connect()->SendText(Text("k1")).ok());
  EXPECT_EQ(service_.calls(), 1U);
}

TEST_F(ClientTest, ReadsAreRepeatedWhileUnavailable) {
  service_.on_get = [this](auto&, const auto&, auto& response) -> grpc::Status {
    if (service_.gets.size() < 3) return {grpc::StatusCode::UNAVAILABLE, "not now"};
    response.mutable_user()->set_openid("oABC");
    return grpc::Status::OK;
  };
  const auto user = Connect()->GetUserInfo({});
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->user().openid(), "oABC");
  EXPECT_EQ(service_.calls(), 3U);
}

TEST_F(ClientTest, ReadsThatWeChatDidNotAnswerAreNotRepeated) {
  service_.on_get = [](auto&, const auto&, auto&) {
    return Failure{.code = grpc::StatusCode::UNAVAILABLE, .reason = "WECHAT_UNREACHABLE"}.ToGrpc();
  };
  EXPECT_FALSE(Connect()->GetUserInfo({}).ok());
  EXPECT_EQ(service_.calls(), 1U);
}

TEST_F(ClientTest, DetailsOfAFailureCanBeRead) {
  service_.on_template = [](grpc::ServerContext& context, const auto&, auto&) {
    context.AddInitialMetadata("x-request-id", "r-1");
    return Failure{.code = grpc::StatusCode::INVALID_ARGUMENT,
                   .reason = "INVALID_TEMPLATE_VALUE",
                   .domain = "weixin.qq.com",
                   .message = "thing1 is too long",
                   .metadata = {{"errcode", "47003"}, {"rid", "r1-r2-r3"}},
                   .chinese = "thing1 太长",
                   .field = {"template.data[thing1]", "at most 20 characters"}}
        .ToGrpc();
  };
  const auto sent = Connect()->SendTemplate({});
  const Error error = Describe(sent.status());
  EXPECT_EQ(error.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(error.reason, "INVALID_TEMPLATE_VALUE");
  EXPECT_EQ(error.domain, "weixin.qq.com");
  EXPECT_EQ(error.message, "thing1 is too long");
  EXPECT_EQ(error.localized, "thing1 太长");
  EXPECT_EQ(error.metadata.at("errcode"), "47003");
  EXPECT_EQ(error.request_id, "r-1");
  ASSERT_EQ(error.fields.size(), 1U);
  EXPECT_EQ(error.fields[0].subject, "template.data[thing1]");
  EXPECT_FALSE(error.not_connected);
}

TEST_F(ClientTest, WithoutServiceNothingIsSent) {
  auto client = Connect();
  service_.Stop();
  const auto sent = client->SendText(Text());
  const Error error = Describe(sent.status());
  EXPECT_EQ(error.code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(error.not_connected);
  EXPECT_THAT(error.message, HasSubstr(service_.target()));
  EXPECT_THAT(error.message, HasSubstr("refused"));
  EXPECT_EQ(GetOutcome(error), SendOutcome::kNotSent);
}

TEST_F(ClientTest, BatchHandsResultsOverAsTheyCome) {
  service_.on_batch = [](auto&, const v1::SendBatchRequest& request, auto& writer) {
    for (int i = request.notifications_size() - 1; i >= 0; --i) {
      v1::SendBatchResponse result;
      result.set_index(i);
      writer.Write(result);
    }
    return grpc::Status::OK;
  };
  v1::SendBatchRequest request;
  for (int i = 0; i < 3; ++i) request.add_notifications();
  std::vector<int> seen;
  EXPECT_TRUE(Connect()
                  ->SendBatch(request, [&](const auto& result) { seen.push_back(result.index()); })
                  .ok());
  EXPECT_THAT(seen, ElementsAre(2, 1, 0));
}

TEST_F(ClientTest, OverloadedBatchIsRepeatedOnlyBeforeTheFirstResult) {
  service_.on_batch = [this](auto&, const auto&, auto& writer) {
    if (service_.batches.size() == 2) writer.Write(v1::SendBatchResponse());
    return overloaded_.ToGrpc();
  };
  int results = 0;
  EXPECT_FALSE(Connect()->SendBatch({}, [&](const auto&) { ++results; }).ok());
  EXPECT_EQ(service_.calls(), 2U);
  EXPECT_EQ(results, 1);
}

TEST_F(ClientTest, CancelEndsACallUnderway) {
  Canceller canceller;
  absl::Notification over;
  service_.on_batch = [&](grpc::ServerContext& context, const auto&, auto& writer) {
    writer.Write(v1::SendBatchResponse());
    over.WaitForNotificationWithTimeout(absl::Seconds(20));
    return context.IsCancelled() ? grpc::Status::CANCELLED : grpc::Status::OK;
  };
  const absl::Status status =
      Connect()->SendBatch({}, [&](const auto&) { canceller.Cancel(); }, {.canceller = &canceller});
  over.Notify();
  service_.Stop();  // the answerer looks at `over`
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(GetOutcome(Describe(status)), SendOutcome::kUnknown);
}

TEST_F(ClientTest, CancelledBeforeMeansNeverSent) {
  Canceller canceller;
  canceller.Cancel();
  const auto sent = Connect()->SendText(Text(), {.canceller = &canceller});
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(GetOutcome(Describe(sent.status())), SendOutcome::kNotSent);
  EXPECT_EQ(service_.calls(), 0U);
}

TEST(Options, ATokenDoesNotCrossTheNetworkInTheClear) {
  Options options{.target = "notify.example.org:9090", .token = "s3cret"};
  const absl::Status refused = CheckOptions(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Describe(refused).plaintext_token);
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("s3cret")));
  options.tls = true;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.tls = false;
  options.allow_plaintext_token = true;
  EXPECT_TRUE(CheckOptions(options).ok());
}

TEST(VisibleAscii, BlanksControlsAndOtherLettersAreNone) {
  EXPECT_TRUE(IsVisibleAscii(""));
  EXPECT_TRUE(IsVisibleAscii("!oA_b-~"));
  for (const char* text : {"a b", "a\t", "\x7f", "\x1f", "茶", "\xff"}) {
    EXPECT_FALSE(IsVisibleAscii(text)) << text;
    EXPECT_FALSE(IsRequestId(text)) << text;
  }
  EXPECT_TRUE(IsRequestId(std::string(kMaxRequestIdBytes, 'x')));
  EXPECT_FALSE(IsRequestId(std::string(kMaxRequestIdBytes + 1, 'x')));
}

TEST(Options, LoopbackIsRecognized) {
  for (const char* target : {"127.0.0.1:9090", "localhost:1", "[::1]:9090", "dns:///localhost:1",
                             "ipv4:127.1.2.3:1", "unix:/run/hongyan.sock"}) {
    EXPECT_TRUE(IsLoopback(target)) << target;
  }
  for (const char* target : {"127.example.org:1", "localhost.example.org:1", "10.0.0.1:9090",
                             "dns:///example.org:1", "128.0.0.1:1"}) {
    EXPECT_FALSE(IsLoopback(target)) << target;
  }
}

TEST(Options, W05_AnAddressIsLookedOverBeforeAnybodyDials) {
  for (const char* target :
       {"127.0.0.1:9090", "localhost:1", "svc.example.org:65535", "[::1]:9090", "dns:svc:1",
        "dns:///svc:1", "dns://8.8.8.8/svc:1", "unix:/run/hongyan.sock", "unix-abstract:hongyan",
        "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:1"}) {
    EXPECT_TRUE(CheckTarget(target).ok()) << CheckTarget(target);
  }
  const std::map<std::string, std::string> refused = {
      {"http://127.0.0.1:9090", "is a URL; write HOST:PORT alone, such as 127.0.0.1:9090"},
      {"https://svc:9090/x", "is a URL; write HOST:PORT alone, such as svc:9090, with TLS on"},
      {"HTTP://svc:9090", "is a URL"},
      {"grpc://svc:9090", "is a URL"},
      {"http://svc", "such as svc:9090"},
      {"https://svc/v1?x", "such as svc:9090, with TLS on"},
      {"http://svc:", "such as svc:9090"},
      {"http://[::1]/", "such as [::1]:9090"},
      {"http://::1", "such as 127.0.0.1:9090"},
      {"http://", "is a URL; write HOST:PORT alone, such as 127.0.0.1:9090"},
      {"127.0.0.1", "has no port: HOST:PORT, such as 127.0.0.1:9090"},
      {"svc", "has no port"},
      {"svc:", "has no port from 1 to 65535"},
      {"svc:http", "has no port from 1 to 65535"},
      {"svc:0", "has no port from 1 to 65535"},
      {"svc:65536", "has no port from 1 to 65535"},
      {"svc:+1", "has no port from 1 to 65535"},
      {":9090", "has no host"},
      {"svc:9090/v1", "has a path"},
      {"::1", "IPv6 address in brackets"},
      {"fe80::1:9090", "IPv6 address in brackets"},
      {"[::1]", "is no address such as [::1]:9090"},
      {"dns:///svc", "has no port"},
      {"dns://svc:1", "is no dns:///HOST:PORT"},
      {"127.0.0.1：9090", "perhaps a full-width colon"},
      {"a b:1", "has blanks"},
      {"\xff:1", "has blanks or other than ASCII"},
      {"", "is empty"}};
  for (const auto& [target, said] : refused) {
    const Error error = Describe(CheckTarget(target));
    EXPECT_EQ(error.code, absl::StatusCode::kInvalidArgument) << target;
    EXPECT_THAT(error.message, testing::HasSubstr(said));
    EXPECT_THAT(error.localized, testing::HasSubstr("服务地址"));
  }
  EXPECT_THAT(Describe(CheckTarget("http://svc")).localized, testing::HasSubstr("例如 svc:9090"));
}

TEST(Options, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_FALSE(CheckOptions({.token = "line\nbreak"}).ok());
  EXPECT_FALSE(Describe(CheckOptions({.token = "line\nbreak"})).plaintext_token);
  EXPECT_FALSE(CheckOptions({.tls = true, .cert_file = "c.pem"}).ok());
  EXPECT_FALSE(CheckOptions({.ca_file = "ca.pem"}).ok());
  EXPECT_FALSE(CheckOptions({.timeout = absl::ZeroDuration()}).ok());
  const auto client = Client::Connect({.tls = true, .ca_file = "/nowhere/ca.pem"});
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("/nowhere/ca.pem"));
}

}  // namespace
}  // namespace hongyan::client
