// What the router does for every call, seen by real clients of a table of the test's own.
#include "server/endpoints/grpc/router.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpc/health/v1/health.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/api/errors.h"
#include "server/base/status.h"
#include "server/core/accounts.h"
#include "server/endpoints/grpc/grpc_server.h"

namespace hongyan::endpoints {
namespace {

using Request = grpc::health::v1::HealthCheckRequest;
using Response = grpc::health::v1::HealthCheckResponse;

// Its method ends as the request's text says.
class Table {
 public:
  explicit Table(async::Clock& clock) : clock_(clock) {}

  api::MethodTable Methods() {
    api::MethodOptions resumable;
    resumable.resumable = true;
    return {"test.Service",
            {api::Unary(api::Scope::kNone, "Do", this, &Table::Do),
             api::Unary(api::Scope::kNone, "Follow", this, &Table::Do, resumable)}};
  }
  int running() const { return running_; }

 private:
  async::Task<absl::StatusOr<Response>> Do(api::Call& call, const Request& request) {
    ++running_;
    absl::Status status;
    if (request.service() == "throw") throw std::runtime_error("on purpose");
    if (request.service() == "storage too slow") {
      status = base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded,
                                  base::Reason::kStorageUnavailable, "storage.url: too slow");
    }
    if (request.service().starts_with("wait")) {
      const auto alarm = clock_.NewAlarm();
      co_await alarm->WaitUntil(async::MonoTime::max());
      status = api::CallerGone();
    }
    if (request.service() == "wait and tell") {
      status =
          base::ErrorBuilder(absl::StatusCode::kUnknown, base::Reason::kOutcomeUnknown, "sent");
    }
    if (request.service() == "until its deadline") {
      const auto alarm = clock_.NewAlarm();
      co_await alarm->WaitUntil(call.limit.deadline);
      status = base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded,
                                  base::Reason::kStorageUnavailable, "storage.url: too slow");
    }
    --running_;
    if (!status.ok()) co_return status;
    co_return Response();
  }

  async::Clock& clock_;
  std::atomic<int> running_ = 0;
};

class RouterTest : public ::testing::Test {
 protected:
  struct Ended {
    grpc::Status status;
    std::string reason;
  };
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
  };

  RouterTest() {
    GrpcServerOptions options;
    options.listen = "127.0.0.1:0";
    EXPECT_TRUE(server_.Start(options, router_).ok());
    thread_ = std::thread([this] { loop_.Run(); });
    stub_.emplace(grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials()));
  }
  ~RouterTest() override {
    loop_.Post([this] { router_.CancelAll(clock_.Mono(), clock_.Mono()); });
    server_.Shutdown(absl::Seconds(10));
    loop_.ReleaseWork();
    thread_.join();
    // gRPC's thread may be about to tell of a call's end.
    while (open_ > 0) std::this_thread::yield();
  }

  std::shared_ptr<Call> StartBytes(const std::string& bytes, const char* method,
                                   std::optional<absl::Duration> deadline = {}) {
    // Kept until the end: gRPC 1.51 frees a queue twice when its own thread drops the last
    // reference to a channel.
    const auto call = calls_.emplace_back(std::make_shared<Call>());
    if (deadline) {
      call->context.set_deadline(std::chrono::system_clock::now() +
                                 absl::ToChronoMilliseconds(*deadline));
    }
    ++open_;
    const grpc::Slice slice(bytes);
    call->request = grpc::ByteBuffer(&slice, 1);
    stub_->UnaryCall(&call->context, method, {}, &call->request, &call->response,
                     [this, its = call.get()](const grpc::Status& status) {
                       its->done.set_value(status);
                       --open_;
                     });
    return call;
  }
  std::shared_ptr<Call> Start(const std::string& what, const char* method = "/test.Service/Do",
                              std::optional<absl::Duration> deadline = {}) {
    Request request;
    request.set_service(what);
    return StartBytes(request.SerializeAsString(), method, deadline);
  }
  static Ended End(const std::shared_ptr<Call>& call) {
    Ended ended{call->done.get_future().get(), ""};
    google::rpc::Status details;
    details.ParseFromString(ended.status.error_details());
    for (const auto& detail : details.details()) {
      google::rpc::ErrorInfo info;
      if (detail.UnpackTo(&info)) ended.reason = info.reason();
    }
    return ended;
  }
  void AwaitRunning(int count) {
    while (table_.running() < count) std::this_thread::yield();
  }
  void OnLoop(std::function<void()> f) {
    std::promise<void> done;
    loop_.Post([&] {
      f();
      done.set_value();
    });
    done.get_future().get();
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  base::Metrics metrics_;
  core::Accounts accounts_;
  Table table_{clock_};
  Router router_{loop_, clock_, metrics_, accounts_, {table_.Methods()}, RouterOptions{2}};
  GrpcServer server_;
  std::thread thread_;
  std::optional<grpc::GenericStub> stub_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::atomic<int> open_ = 0;  // calls whose end wasn't told yet
};

TEST_F(RouterTest, AnswersWithWhatTheFunctionReturns) {
  const auto call = Start("");
  EXPECT_TRUE(End(call).status.ok());
  EXPECT_EQ(call->response.Length(), 0u);
  while (router_.open() > 0) std::this_thread::yield();
  EXPECT_EQ(metrics_.in_flight->Value(), 0);
}

TEST_F(RouterTest, WhatIsNoMessageIsRefusedBeforeTheFunctionRuns) {
  const Ended ended = End(StartBytes("\xff\xff\xff", "/test.Service/Do"));
  EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ended.status.error_details(), "");
}

TEST_F(RouterTest, ExceptionIsAnInternalError) {
  const Ended ended = End(Start("throw"));
  EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ended.reason, "INTERNAL");
}

TEST_F(RouterTest, SlowStorageIsADeadlineOnlyIfTheCallersCame) {
  const Ended ours = End(Start("storage too slow"));
  EXPECT_EQ(ours.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ours.reason, "STORAGE_UNAVAILABLE");
  const Ended callers = End(Start("until its deadline", "/test.Service/Do", absl::Seconds(1)));
  EXPECT_EQ(callers.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(RouterTest, PlacesInFlightAreBounded) {
  const auto first = Start("wait");
  const auto second = Start("wait");
  AwaitRunning(2);
  const Ended third = End(Start(""));
  EXPECT_EQ(third.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(third.reason, "OVERLOADED");
  first->context.TryCancel();
  EXPECT_EQ(End(first).status.error_code(), grpc::StatusCode::CANCELLED);
  while (metrics_.in_flight->Value() > 1) std::this_thread::yield();
  EXPECT_TRUE(End(Start("")).status.ok());
}

TEST_F(RouterTest, StopEndsWhatCanBeTakenUpElsewhereAndLeavesTheRest) {
  const auto call = Start("wait");
  const auto followed = Start("wait", "/test.Service/Follow");
  AwaitRunning(2);
  OnLoop([this] { router_.BeginStop(async::MonoTime::max()); });
  const Ended ended = End(followed);
  EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ended.reason, "SHUTTING_DOWN");
  EXPECT_EQ(table_.running(), 1);
  EXPECT_EQ(End(Start("", "/test.Service/Follow")).reason, "SHUTTING_DOWN");
  EXPECT_TRUE(End(Start("")).status.ok());
  call->context.TryCancel();
  End(call);
}

TEST_F(RouterTest, CancellationIsTheServersOnceItCutsCallsOff) {
  const auto nothing_sent = Start("wait");
  const auto sent = Start("wait and tell");
  AwaitRunning(2);
  OnLoop([this] { router_.CancelAll(clock_.Mono(), clock_.Mono()); });
  EXPECT_EQ(End(nothing_sent).reason, "SHUTTING_DOWN");
  EXPECT_EQ(End(sent).reason, "OUTCOME_UNKNOWN");
  EXPECT_EQ(End(Start("")).reason, "SHUTTING_DOWN") << "begun after the cut";
}

}  // namespace
}  // namespace hongyan::endpoints
