// SubscriberService: gRPC in front of core::Subscribers. The proto has the contract.
//
// Threads:  gRPC's call in, the rest is on the loop.
// Lifetime: everything it is given outlives it; it outlives the gRPC server.
#pragma once

#include "hongyan/v1/subscriber.grpc.pb.h"
#include "server/core/subscribers.h"
#include "server/endpoints/grpc/call_info.h"

namespace hongyan::endpoints {

// Every method takes and gives bytes; see call_task.h.
using RawSubscriberService = v1::SubscriberService::WithRawCallbackMethod_GetSubscriber<
    v1::SubscriberService::WithRawCallbackMethod_ListSubscribers<
        v1::SubscriberService::WithRawCallbackMethod_SyncSubscribers<
            v1::SubscriberService::WithRawCallbackMethod_DeleteSubscriber<
                v1::SubscriberService::Service>>>>;

class SubscriberService final : public RawSubscriberService {
 public:
  SubscriberService(CallEnvironment& environment, core::Subscribers& subscribers)
      : environment_(environment), subscribers_(subscribers) {}

  grpc::ServerUnaryReactor* GetSubscriber(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListSubscribers(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SyncSubscribers(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* DeleteSubscriber(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  CallEnvironment& environment_;
  core::Subscribers& subscribers_;
};

}  // namespace hongyan::endpoints
