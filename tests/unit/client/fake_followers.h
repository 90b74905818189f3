// A SubscriberService and an EventService on a free loopback port whose answers the test writes,
// and which keep what they were asked.
//
// Threads:  answers run on gRPC's threads, one call at a time in these tests; what was recorded is
//           read after the call has ended.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "hongyan/v1/event.grpc.pb.h"
#include "hongyan/v1/subscriber.grpc.pb.h"

namespace hongyan::client {

class FakeFollowers final : public v1::SubscriberService::Service,
                            public v1::EventService::Service {
 public:
  using Context = grpc::ServerContext;
  template <typename Request, typename Answer>
  using Handler = std::function<grpc::Status(const Request&, Answer&)>;
  template <typename Message>
  using Writer = grpc::ServerWriter<Message>;

  FakeFollowers() { Start(); }
  ~FakeFollowers() override { Stop(); }

  // On the port of before, if there was one.
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(static_cast<v1::SubscriberService::Service*>(this));
    builder.RegisterService(static_cast<v1::EventService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  // Cuts what is in flight.
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_->Wait();
    server_.reset();
  }

  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }

  std::vector<v1::GetSubscriberRequest> gets = {};
  std::vector<v1::ListSubscribersRequest> lists = {};
  std::vector<v1::SyncSubscribersRequest> syncs = {};
  std::vector<v1::ListEventsRequest> event_lists = {};
  std::vector<v1::WatchEventsRequest> watches = {};
  // Of the last call with a stream.
  Context* context = nullptr;

  Handler<v1::GetSubscriberRequest, v1::GetSubscriberResponse> on_get;
  Handler<v1::ListSubscribersRequest, v1::ListSubscribersResponse> on_list;
  Handler<v1::SyncSubscribersRequest, Writer<v1::SyncSubscribersResponse>> on_sync;
  Handler<v1::ListEventsRequest, v1::ListEventsResponse> on_event_list;
  Handler<v1::WatchEventsRequest, Writer<v1::WatchEventsResponse>> on_watch;

  grpc::Status GetSubscriber(Context*, const v1::GetSubscriberRequest* request,
                             v1::GetSubscriberResponse* response) override {
    gets.push_back(*request);
    return on_get ? on_get(*request, *response) : grpc::Status::OK;
  }
  grpc::Status ListSubscribers(Context*, const v1::ListSubscribersRequest* request,
                               v1::ListSubscribersResponse* response) override {
    lists.push_back(*request);
    return on_list ? on_list(*request, *response) : grpc::Status::OK;
  }
  grpc::Status SyncSubscribers(Context* of, const v1::SyncSubscribersRequest* request,
                               Writer<v1::SyncSubscribersResponse>* writer) override {
    syncs.push_back(*request);
    context = of;
    return on_sync ? on_sync(*request, *writer) : grpc::Status::OK;
  }
  grpc::Status ListEvents(Context*, const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* response) override {
    event_lists.push_back(*request);
    return on_event_list ? on_event_list(*request, *response) : grpc::Status::OK;
  }
  // Answers as the service does: with metadata before the first event.
  grpc::Status WatchEvents(Context* of, const v1::WatchEventsRequest* request,
                           Writer<v1::WatchEventsResponse>* writer) override {
    watches.push_back(*request);
    context = of;
    of->AddInitialMetadata("x-request-id", "r-1");
    writer->SendInitialMetadata();
    return on_watch ? on_watch(*request, *writer) : grpc::Status::OK;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

inline bool Write(grpc::ServerWriter<v1::WatchEventsResponse>& writer, std::int64_t cursor,
                  const std::string& text = "") {
  v1::WatchEventsResponse response;
  response.mutable_event()->set_cursor(cursor);
  response.mutable_event()->set_account("main");
  response.mutable_event()->set_type("text");
  response.mutable_event()->set_openid("oA");
  response.mutable_event()->mutable_text()->set_content(text);
  return writer.Write(response);
}

}  // namespace hongyan::client
