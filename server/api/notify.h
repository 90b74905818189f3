// hongyan.v1.NotifyService: messages out, and what WeChat knows of people. The proto has the
// contract.
//
// Bounds:   kMaxBulkCalls SendBatch and BatchGetUserInfo calls at once, since each may hold
//           megabytes.
// Threads:  event loop only.
// Lifetime: everything it is given outlives it; it outlives its table's transport.
#pragma once

#include "hongyan/v1/notify.pb.h"
#include "server/api/method_table.h"
#include "server/core/sender.h"
#include "server/core/user_directory.h"

namespace hongyan::api {

inline constexpr int kMaxBulkCalls = 16;

class Notify {
 public:
  Notify(core::Accounts& accounts, core::Sender& sender, core::UserDirectory& users,
         async::Executor executor, async::Clock& clock);
  MethodTable Methods();

 private:
  template <typename Response>
  using Answer = async::Task<absl::StatusOr<Response>>;

  template <typename Response, typename Request>
  Answer<Response> Send(Call& call, const Request& request);
  Answer<v1::SendTextResponse> SendText(Call& call, const v1::SendTextRequest& request);
  Answer<v1::SendTemplateResponse> SendTemplate(Call& call, const v1::SendTemplateRequest& request);
  Answer<v1::SendMessageResponse> SendMessage(Call& call, const v1::SendMessageRequest& request);
  Answer<v1::SendSubscriptionResponse> SendSubscription(Call& call,
                                                        const v1::SendSubscriptionRequest& request);
  Answer<v1::SetTypingResponse> SetTyping(Call& call, const v1::SetTypingRequest& request);
  async::Task<absl::Status> SendBatch(Call& call, const v1::SendBatchRequest& request,
                                      ResponseWriter<v1::SendBatchResponse> writer);
  Answer<v1::EnqueueResponse> Enqueue(Call& call, const v1::EnqueueRequest& request);
  Answer<v1::GetUserInfoResponse> GetUserInfo(Call& call, const v1::GetUserInfoRequest& request);
  Answer<v1::BatchGetUserInfoResponse> BatchGetUserInfo(Call& call,
                                                        const v1::BatchGetUserInfoRequest& request);

  // One item of a batch. A bad one fails alone.
  async::Task<void> SendItem(const Call& call, const v1::SendBatchRequest& request,
                             std::size_t index, ResponseWriter<v1::SendBatchResponse>& writer,
                             bool& all_told);

  core::Accounts& accounts_;
  core::Sender& sender_;
  core::UserDirectory& users_;
  const async::Executor executor_;
  async::Clock& clock_;
  Places bulk_calls_;
};

}  // namespace hongyan::api
