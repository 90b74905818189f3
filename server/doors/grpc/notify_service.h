// hongyan.v1.NotifyService: requests in, core in between, answers out.
//
// Threads:  gRPC's, as the base class says; the work is done on the event loop.
// Lifetime: everything it is given outlives it; it outlives the gRPC server.
#pragma once

#include "hongyan/v1/notify.grpc.pb.h"
#include "server/core/sender.h"
#include "server/core/user_directory.h"
#include "server/doors/grpc/call_info.h"

namespace hongyan::doors {

class NotifyService final : public v1::NotifyService::CallbackService {
 public:
  NotifyService(CallEnvironment& environment, core::Sender& sender, core::UserDirectory& users)
      : environment_(environment), sender_(sender), users_(users) {}

  grpc::ServerUnaryReactor* SendText(grpc::CallbackServerContext* context,
                                     const v1::SendTextRequest* request,
                                     v1::SendTextResponse* response) override;
  grpc::ServerUnaryReactor* SendTemplate(grpc::CallbackServerContext* context,
                                         const v1::SendTemplateRequest* request,
                                         v1::SendTemplateResponse* response) override;
  grpc::ServerUnaryReactor* SendMessage(grpc::CallbackServerContext* context,
                                        const v1::SendMessageRequest* request,
                                        v1::SendMessageResponse* response) override;
  grpc::ServerUnaryReactor* SendSubscription(grpc::CallbackServerContext* context,
                                             const v1::SendSubscriptionRequest* request,
                                             v1::SendSubscriptionResponse* response) override;
  grpc::ServerUnaryReactor* SetTyping(grpc::CallbackServerContext* context,
                                      const v1::SetTypingRequest* request,
                                      v1::SetTypingResponse* response) override;
  grpc::ServerWriteReactor<v1::SendBatchResponse>* SendBatch(
      grpc::CallbackServerContext* context, const v1::SendBatchRequest* request) override;
  grpc::ServerUnaryReactor* Enqueue(grpc::CallbackServerContext* context,
                                    const v1::EnqueueRequest* request,
                                    v1::EnqueueResponse* response) override;
  grpc::ServerUnaryReactor* GetUserInfo(grpc::CallbackServerContext* context,
                                        const v1::GetUserInfoRequest* request,
                                        v1::GetUserInfoResponse* response) override;
  grpc::ServerUnaryReactor* BatchGetUserInfo(grpc::CallbackServerContext* context,
                                             const v1::BatchGetUserInfoRequest* request,
                                             v1::BatchGetUserInfoResponse* response) override;

 private:
  CallEnvironment& environment_;
  core::Sender& sender_;
  core::UserDirectory& users_;
  int bulk_calls_ = 0;  // the loop's
};

}  // namespace hongyan::doors
