// SubscriberService: gRPC in front of core::Subscribers. The proto has the contract.
//
// Threads:  gRPC's call in, the rest is on the loop.
// Lifetime: everything it is given outlives it; it outlives the gRPC server.
#pragma once

#include "hongyan/v1/subscriber.grpc.pb.h"
#include "server/core/subscribers.h"
#include "server/doors/grpc/call_info.h"

namespace hongyan::doors {

class SubscriberService final : public v1::SubscriberService::CallbackService {
 public:
  SubscriberService(CallEnvironment& environment, core::Subscribers& subscribers)
      : environment_(environment), subscribers_(subscribers) {}

  grpc::ServerUnaryReactor* GetSubscriber(grpc::CallbackServerContext* context,
                                          const v1::GetSubscriberRequest* request,
                                          v1::GetSubscriberResponse* response) override;
  grpc::ServerUnaryReactor* ListSubscribers(grpc::CallbackServerContext* context,
                                            const v1::ListSubscribersRequest* request,
                                            v1::ListSubscribersResponse* response) override;
  grpc::ServerWriteReactor<v1::SyncSubscribersResponse>* SyncSubscribers(
      grpc::CallbackServerContext* context, const v1::SyncSubscribersRequest* request) override;
  grpc::ServerUnaryReactor* DeleteSubscriber(grpc::CallbackServerContext* context,
                                             const v1::DeleteSubscriberRequest* request,
                                             v1::DeleteSubscriberResponse* response) override;

 private:
  CallEnvironment& environment_;
  core::Subscribers& subscribers_;
};

}  // namespace hongyan::doors
