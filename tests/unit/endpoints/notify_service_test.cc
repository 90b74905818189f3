// SendBatch over a real connection, against a scripted platform: readers of every pace.
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hongyan/v1/notify.grpc.pb.h"
#include "server/api/notify.h"
#include "server/async/task_group.h"
#include "server/core/accounts.h"
#include "server/core/idempotency.h"
#include "server/endpoints/grpc/grpc_server.h"
#include "server/endpoints/grpc/router.h"
#include "server/wechat/api_transport.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/known_people.h"
#include "tests/support/wechat_replies.h"

namespace hongyan::endpoints {
namespace {

using support::kStableTokenPath;
using support::kTextPath;

constexpr int kItems = 3000;

class NotifyServiceTest : public ::testing::Test {
 protected:
  // `stalled`: how long a reader may take nothing.
  explicit NotifyServiceTest(absl::Duration stalled = absl::Seconds(1))
      : router_(loop_, clock_, metrics_, accounts_, {notify_.Methods()},
                RouterOptions{10, stalled}) {
    http_.Always(kStableTokenPath, support::Token("t1"));
    http_.Always(kTextPath, support::Accepts());
    accounts_.Add({"main", "wx-main", base::Secret("secret"), false}, transport_, clock_, metrics_,
                  group_);
    GrpcServerOptions options;
    options.listen = "127.0.0.1:0";
    options.max_request_bytes = 16 << 20;
    EXPECT_TRUE(server_.Start(options, router_).ok());
    thread_ = std::thread([this] { loop_.Run(); });
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // the window stays small
    stub_ = v1::NotifyService::NewStub(grpc::CreateCustomChannel(
        server_.address(), grpc::InsecureChannelCredentials(), arguments));
  }
  ~NotifyServiceTest() override {
    server_.Shutdown(absl::Seconds(10));
    loop_.Post([this] {
      group_.CancelAll();
      loop_.ReleaseWork();
    });
    thread_.join();
  }

  // Their answers repeat the labels, so together they are far more than any window of HTTP/2 holds.
  static v1::SendBatchRequest Batch() {
    v1::SendBatchRequest request;
    for (int i = 0; i < kItems; ++i) {
      v1::Notification& item = *request.add_notifications();
      item.set_openid("oABC");
      item.mutable_text()->set_content(absl::StrCat(i));
      for (int label = 0; label < 15; ++label) {
        (*item.mutable_labels())[absl::StrCat("label", label)] = std::string(64, 'x');
      }
    }
    return request;
  }
  std::size_t Sent() {
    std::promise<std::size_t> sent;
    loop_.Post([&] { sent.set_value(http_.count(kTextPath)); });
    return sent.get_future().get();
  }
  // Batches that have ended, read or not.
  double Ended() {
    for (const auto& family : metrics_.registry().Collect()) {
      if (family.name == "grpc_server_handled_total" && !family.metric.empty()) {
        return family.metric.at(0).counter.value;
      }
    }
    return 0;
  }
  static std::string GetReason(const grpc::Status& status) {
    google::rpc::Status details;
    details.ParseFromString(status.error_details());
    for (const auto& detail : details.details()) {
      google::rpc::ErrorInfo info;
      if (detail.UnpackTo(&info)) return info.reason();
    }
    return "";
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  base::Metrics metrics_;
  support::FakeHttpClient http_{loop_, clock_};
  async::TaskGroup group_{loop_.executor(), clock_, 64};
  wechat::ApiTransport transport_{
      http_, clock_, metrics_, {"https://api.example"}, absl::Seconds(5)};
  core::Accounts accounts_;
  core::Idempotency idempotency_{clock_, metrics_};
  support::KnownPeople people_;
  core::Sender sender_{people_, idempotency_, clock_, metrics_};
  core::UserDirectory users_{clock_, loop_.executor()};
  api::Notify notify_{accounts_, sender_, users_, loop_.executor(), clock_};
  Router router_;
  GrpcServer server_;
  std::thread thread_;
  std::unique_ptr<v1::NotifyService::Stub> stub_;
};

TEST_F(NotifyServiceTest, BatchOfAReaderIsAnsweredWhole) {
  grpc::ClientContext context;
  const auto reader = stub_->SendBatch(&context, Batch());
  v1::SendBatchResponse response;
  std::set<int> indices;
  while (reader->Read(&response)) {
    EXPECT_EQ(response.delivery().state(), v1::DELIVERY_STATE_ACCEPTED);
    indices.insert(static_cast<int>(response.index()));
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(indices.size(), static_cast<std::size_t>(kItems));
  EXPECT_EQ(Sent(), static_cast<std::size_t>(kItems));
}

TEST_F(NotifyServiceTest, G16_BatchOfAReaderWhoTakesNothingEndsAndSaysThatOutcomesAreUnknown) {
  grpc::ClientContext context;
  const auto reader = stub_->SendBatch(&context, Batch());
  v1::SendBatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  while (Ended() == 0) std::this_thread::yield();
  EXPECT_EQ(metrics_.in_flight->Value(), 1) << "its answers are still here";
  const std::size_t sent = Sent();
  EXPECT_LT(sent, static_cast<std::size_t>(kItems) / 2) << "sent to nobody's knowledge";
  // Coming back, the reader finds what was on its way, and then why there is no more.
  std::size_t told = 1;
  while (reader->Read(&response)) ++told;
  EXPECT_LE(told, sent);
  const grpc::Status ended = reader->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(GetReason(ended), "OUTCOME_UNKNOWN");
  const auto pushback = context.GetServerTrailingMetadata().find("grpc-retry-pushback-ms");
  ASSERT_NE(pushback, context.GetServerTrailingMetadata().end());
  EXPECT_EQ(pushback->second, "-1") << "a stub must not repeat it by itself";
  EXPECT_EQ(Sent(), sent);
}

TEST_F(NotifyServiceTest, G16_ReaderWhoNeverComesBackLosesTheEndAndThePlace) {
  grpc::ClientContext context;
  const auto reader = stub_->SendBatch(&context, Batch());
  v1::SendBatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  while (Ended() == 0) std::this_thread::yield();
  loop_.Post([&] { router_.CancelUnreadAnswers(clock_.Mono()); });
  EXPECT_GT(Sent(), 0u);  // after that
  EXPECT_EQ(metrics_.in_flight->Value(), 1) << "cancelled too early";
  loop_.Post([&] {
    router_.CancelUnreadAnswers(async::After(clock_.Mono(), RouterOptions().answer_limit));
  });
  while (metrics_.in_flight->Value() != 0) std::this_thread::yield();
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

class PatientNotifyServiceTest : public NotifyServiceTest {
 protected:
  PatientNotifyServiceTest() : NotifyServiceTest(absl::Hours(1)) {}
};

// As Service does it at the end of the grace.
TEST_F(PatientNotifyServiceTest, BatchOfAReaderWhoTakesNothingSaysSoBeforeTheServerEnds) {
  grpc::ClientContext context;
  const auto reader = stub_->SendBatch(&context, Batch());
  v1::SendBatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  loop_.Post([&] {
    router_.CancelAll(clock_.Mono(), async::After(clock_.Mono(), absl::Milliseconds(100)));
  });
  const async::MonoTime end = async::After(clock_.Mono(), absl::Seconds(60));
  while (Ended() == 0 && clock_.Mono() < end) std::this_thread::yield();
  ASSERT_NE(Ended(), 0) << "it still waits for its reader";
  while (reader->Read(&response)) {
  }
  const grpc::Status ended = reader->Finish();
  EXPECT_EQ(GetReason(ended), "OUTCOME_UNKNOWN") << ended.error_message();
  EXPECT_NE(ended.error_message().find("shutting down"), std::string::npos);
  EXPECT_LT(Sent(), static_cast<std::size_t>(kItems));
}

}  // namespace
}  // namespace hongyan::endpoints
