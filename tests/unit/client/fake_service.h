// A NotifyService on a free loopback port whose answers the test writes, and which keeps what it
// was asked.
//
// Threads:  answers run on gRPC's threads; what was recorded is read after the call has ended.
#pragma once

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "hongyan/v1/notify.grpc.pb.h"

namespace hongyan::client {

// What a failed call of the service carries.
struct Failure {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string reason = {};
  std::string domain = "hongyan";
  std::string message = "it failed";
  std::map<std::string, std::string> metadata = {};
  std::string chinese = {};
  absl::Duration retry_delay = absl::ZeroDuration();
  std::pair<std::string, std::string> field = {};

  google::rpc::Status ToProto() const {
    google::rpc::Status status;
    status.set_code(code);
    status.set_message(message);
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain(domain);
    info.mutable_metadata()->insert(metadata.begin(), metadata.end());
    status.add_details()->PackFrom(info);
    if (!chinese.empty()) {
      google::rpc::LocalizedMessage text;
      text.set_locale("zh-CN");
      text.set_message(chinese);
      status.add_details()->PackFrom(text);
    }
    if (retry_delay != absl::ZeroDuration()) {
      google::rpc::RetryInfo retry;
      retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(retry_delay));
      retry.mutable_retry_delay()->set_nanos(
          static_cast<int>((retry_delay % absl::Seconds(1)) / absl::Nanoseconds(1)));
      status.add_details()->PackFrom(retry);
    }
    if (!field.first.empty()) {
      google::rpc::BadRequest bad;
      auto* violation = bad.add_field_violations();
      violation->set_field(field.first);
      violation->set_description(field.second);
      status.add_details()->PackFrom(bad);
    }
    return status;
  }
  grpc::Status ToGrpc() const { return {code, message, ToProto().SerializeAsString()}; }
};

class FakeService final : public v1::NotifyService::Service {
 public:
  using Context = grpc::ServerContext;
  template <typename Request, typename Response>
  using Unary = std::function<grpc::Status(Context&, const Request&, Response&)>;

  FakeService() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeService() override { Stop(); }

  // Cuts what is in flight.
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_->Wait();
    server_.reset();
  }

  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }

  // One for each call, in order.
  std::vector<std::map<std::string, std::string>> metadata = {};
  std::vector<absl::Duration> time_left = {};
  std::vector<v1::SendTextRequest> texts = {};
  std::vector<v1::SendTemplateRequest> templates = {};
  std::vector<v1::SendBatchRequest> batches = {};
  std::vector<v1::GetUserInfoRequest> gets = {};
  std::vector<v1::BatchGetUserInfoRequest> batch_gets = {};
  std::size_t calls() const { return metadata.size(); }

  Unary<v1::SendTextRequest, v1::SendTextResponse> on_text;
  Unary<v1::SendTemplateRequest, v1::SendTemplateResponse> on_template;
  Unary<v1::GetUserInfoRequest, v1::GetUserInfoResponse> on_get;
  Unary<v1::BatchGetUserInfoRequest, v1::BatchGetUserInfoResponse> on_batch_get;
  std::function<grpc::Status(Context&, const v1::SendBatchRequest&,
                             grpc::ServerWriter<v1::SendBatchResponse>&)>
      on_batch;

  grpc::Status SendText(Context* context, const v1::SendTextRequest* request,
                        v1::SendTextResponse* response) override {
    return Answer(*context, *request, *response, texts, on_text);
  }
  grpc::Status SendTemplate(Context* context, const v1::SendTemplateRequest* request,
                            v1::SendTemplateResponse* response) override {
    return Answer(*context, *request, *response, templates, on_template);
  }
  grpc::Status GetUserInfo(Context* context, const v1::GetUserInfoRequest* request,
                           v1::GetUserInfoResponse* response) override {
    return Answer(*context, *request, *response, gets, on_get);
  }
  grpc::Status BatchGetUserInfo(Context* context, const v1::BatchGetUserInfoRequest* request,
                                v1::BatchGetUserInfoResponse* response) override {
    return Answer(*context, *request, *response, batch_gets, on_batch_get);
  }
  grpc::Status SendBatch(Context* context, const v1::SendBatchRequest* request,
                         grpc::ServerWriter<v1::SendBatchResponse>* writer) override {
    return Answer(*context, *request, *writer, batches, on_batch);
  }

 private:
  template <typename Request, typename Answerer, typename Handler>
  grpc::Status Answer(Context& context, const Request& request, Answerer& answer,
                      std::vector<Request>& requests, const Handler& handler) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      requests.push_back(request);
      time_left.push_back(absl::FromChrono(context.deadline()) - absl::Now());
      std::map<std::string, std::string> seen;
      for (const auto& [key, value] : context.client_metadata()) {
        seen[std::string(key.data(), key.size())] = std::string(value.data(), value.size());
      }
      metadata.push_back(std::move(seen));
    }
    return handler ? handler(context, request, answer) : grpc::Status::OK;
  }

  std::mutex mutex_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace hongyan::client
