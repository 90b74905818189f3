// hongyan.v1.NotifyService: requests in, core in between, answers out.
//
// Threads:  gRPC's, as the base class says; the work is done on the event loop.
// Lifetime: everything it is given outlives it; it outlives the gRPC server.
#pragma once

#include "hongyan/v1/notify.grpc.pb.h"
#include "server/core/sender.h"
#include "server/core/user_directory.h"
#include "server/endpoints/grpc/call_info.h"

namespace hongyan::endpoints {

// Every method takes and gives bytes; see call_task.h.
using RawNotifyService = v1::NotifyService::WithRawCallbackMethod_SendText<
    v1::NotifyService::WithRawCallbackMethod_SendTemplate<
        v1::NotifyService::WithRawCallbackMethod_SendMessage<
            v1::NotifyService::WithRawCallbackMethod_SendSubscription<
                v1::NotifyService::WithRawCallbackMethod_SetTyping<
                    v1::NotifyService::WithRawCallbackMethod_SendBatch<
                        v1::NotifyService::WithRawCallbackMethod_Enqueue<
                            v1::NotifyService::WithRawCallbackMethod_GetUserInfo<
                                v1::NotifyService::WithRawCallbackMethod_BatchGetUserInfo<
                                    v1::NotifyService::Service>>>>>>>>>;

class NotifyService final : public RawNotifyService {
 public:
  NotifyService(CallEnvironment& environment, core::Sender& sender, core::UserDirectory& users)
      : environment_(environment), sender_(sender), users_(users) {}

  grpc::ServerUnaryReactor* SendText(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SendTemplate(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SendMessage(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SendSubscription(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetTyping(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* SendBatch(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* Enqueue(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetUserInfo(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BatchGetUserInfo(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  CallEnvironment& environment_;
  core::Sender& sender_;
  core::UserDirectory& users_;
  int bulk_calls_ = 0;  // the loop's
};

}  // namespace hongyan::endpoints
