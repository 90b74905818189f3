#include "server/endpoints/grpc/notify_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/async/fan_out.h"
#include "server/base/status.h"
#include "server/endpoints/grpc/convert.h"
#include "server/endpoints/grpc/stream_call.h"
#include "server/endpoints/grpc/unary_call.h"

namespace hongyan::endpoints {
namespace {

using async::Task;

constexpr char kService[] = "hongyan.v1.NotifyService";
constexpr int kMaxBulkCalls = 16;
constexpr int kMaxBatch = 10000;
constexpr std::size_t kBatchWidth = 32;
constexpr absl::Duration kBatchCeiling = absl::Minutes(10);
// What has begun for a caller who is gone may end by itself: its outcome is recorded under the item's key.
constexpr absl::Duration kBatchPatience = absl::Seconds(5);

// A place among the large calls, which have a small limit of their own since each may hold megabytes.
class BulkPlace {
 public:
  explicit BulkPlace(int& taken) : taken_(taken), mine_(taken < kMaxBulkCalls) { taken_ += mine_; }
  BulkPlace(const BulkPlace&) = delete;
  BulkPlace& operator=(const BulkPlace&) = delete;
  ~BulkPlace() { taken_ -= mine_; }
  explicit operator bool() const { return mine_; }

 private:
  int& taken_;
  const bool mine_;
};

absl::Status TooManyBulkCalls() {
  return Overloaded(
      "too many SendBatch and BatchGetUserInfo calls are in flight; nothing was done, "
      "try again in a second",
      "进行中的批量调用过多，什么也没有做，请一秒后重试");
}

// What the error of a send is named after, where that isn't the request's own field.
absl::Status Named(const v1::SendTextRequest&, const absl::Status& error) {
  return NamedAsInSendText(error);
}
absl::Status Named(const v1::SendTemplateRequest&, const absl::Status& error) { return error; }

template <typename Request, typename Response>
Task<absl::Status> DoSend(core::Sender& sender, CallInfo& info, const Request& request,
                          Response& response) {
  info.account = request.account();
  auto notification = FromProto(request);
  if (!notification.ok()) {
    co_return base::Annotate(notification.status(), "account",
                             sender.AccountName(request.account()));
  }
  const core::Delivery delivery = co_await sender.Send(*std::move(notification), info.limit);
  info.account = delivery.account;
  info.delivery = delivery.id;
  if (!delivery.error.ok()) co_return Named(request, delivery.error);
  ToProto(delivery, *response.mutable_delivery());
  co_return absl::OkStatus();
}

Task<absl::Status> DoSetTyping(core::Sender& sender, CallInfo& info,
                               const v1::SetTypingRequest& request, v1::SetTypingResponse&) {
  info.account = request.account();
  std::optional<std::string> unionid;
  if (request.recipient_case() == v1::SetTypingRequest::kUnionid) unionid = request.unionid();
  co_return co_await sender.SetTyping(request.account(), request.openid(), std::move(unionid),
                                      request.cancel(), info.limit);
}

Task<absl::Status> DoGetUserInfo(core::UserDirectory& users, CallInfo& info,
                                 const v1::GetUserInfoRequest& request,
                                 v1::GetUserInfoResponse& response) {
  info.account = request.account();
  const auto user =
      co_await users.Get(request.account(), request.openid(), request.lang(), info.limit);
  if (!user.ok()) co_return user.status();
  ToProto(*user, *response.mutable_user());
  co_return absl::OkStatus();
}

Task<absl::Status> DoBatchGetUserInfo(core::UserDirectory& users, int& bulk_calls, CallInfo& info,
                                      const v1::BatchGetUserInfoRequest& request,
                                      v1::BatchGetUserInfoResponse& response) {
  info.account = request.account();
  const BulkPlace place(bulk_calls);
  if (!place) co_return TooManyBulkCalls();
  const auto found = co_await users.BatchGet(request.account(),
                                             {request.openids().begin(), request.openids().end()},
                                             request.lang(), info.limit);
  if (!found.ok()) co_return found.status();
  for (const wechat::UserInfo& user : *found) ToProto(user, *response.add_users());
  co_return absl::OkStatus();
}

// What was asked for, in the answer to an item that was refused at once.
void Echo(const v1::Notification& item, v1::Delivery& delivery) {
  switch (item.body_case()) {
    case v1::Notification::kText:
      delivery.set_kind(v1::DELIVERY_KIND_TEXT);
      break;
    case v1::Notification::kTemplate:
      delivery.set_kind(v1::DELIVERY_KIND_TEMPLATE);
      break;
    case v1::Notification::kMessage:
      delivery.set_kind(v1::DELIVERY_KIND_MESSAGE);
      break;
    case v1::Notification::kSubscription:
      delivery.set_kind(v1::DELIVERY_KIND_SUBSCRIPTION);
      break;
    case v1::Notification::BODY_NOT_SET:
      delivery.set_kind(v1::DELIVERY_KIND_UNSPECIFIED);
      break;
  }
  if (item.has_send_time()) *delivery.mutable_send_time() = item.send_time();
  if (item.has_expire_time()) *delivery.mutable_expire_time() = item.expire_time();
}

// One item of a batch. A bad one fails alone.
Task<void> SendItem(core::Sender& sender, async::Clock& clock, const CallInfo& info,
                    const v1::SendBatchRequest& request, std::size_t index,
                    StreamWriter<v1::SendBatchResponse>& writer, bool& all_told) {
  if (!all_told) co_return;  // nothing more is sent for a caller who wouldn't hear of it
  const v1::Notification& item = request.notifications(static_cast<int>(index));
  core::Delivery delivery;
  auto notification = FromProto(item);
  if (notification.ok()) {
    delivery = co_await sender.Send(*std::move(notification), info.limit);
  } else {
    delivery.account = sender.AccountName(item.account());
    delivery.openid = item.openid();
    delivery.state = core::DeliveryState::kFailed;
    delivery.error = base::Annotate(notification.status(), "account", delivery.account);
    delivery.idempotency_key = item.idempotency_key();
    delivery.labels = {item.labels().begin(), item.labels().end()};
    delivery.create_time = clock.Now();
  }
  const bool over = delivery.state == core::DeliveryState::kFailed ||
                    delivery.state == core::DeliveryState::kUnknown;
  if (over && !delivery.finish_time) {
    delivery.finish_time = clock.Now();
  }
  delivery.error = base::PrefixFields(delivery.error, absl::StrCat("notifications[", index, "]."));
  v1::SendBatchResponse response;
  response.set_index(static_cast<int>(index));
  ToProto(delivery, *response.mutable_delivery());
  if (!notification.ok()) Echo(item, *response.mutable_delivery());
  const bool told = co_await writer.Write(std::move(response));
  all_told &= told;
}

Task<absl::Status> DoSendBatch(CallEnvironment& environment, core::Sender& sender, int& bulk_calls,
                               CallInfo& info, const v1::SendBatchRequest& request,
                               StreamWriter<v1::SendBatchResponse>& writer) {
  const BulkPlace place(bulk_calls);
  if (!place) co_return TooManyBulkCalls();
  const int count = request.notifications_size();
  if (count == 0 || count > kMaxBatch) {
    co_return base::InvalidField(
        "notifications", absl::StrCat("takes 1 to ", kMaxBatch, ", not ", count),
        absl::StrCat("应有 1 到 ", kMaxBatch, " 条，而不是 ", count, " 条"));
  }
  bool all_told = true;
  const async::Patience patience = [&environment] {
    return std::min(environment.calls_end, async::After(environment.clock.Mono(), kBatchPatience));
  };
  const bool all_done = co_await async::FanOut(
      environment.loop.executor(), environment.clock, static_cast<std::size_t>(count), kBatchWidth,
      patience, [&](std::size_t index) {
        return SendItem(sender, environment.clock, info, request, index, writer, all_told);
      });
  if (all_done && all_told) co_return absl::OkStatus();
  if (writer.stalled() || environment.cut_off) {
    co_return base::ErrorBuilder(
        absl::StatusCode::kUnknown, base::Reason::kOutcomeUnknown,
        absl::StrCat(environment.cut_off ? "the server is shutting down"
                                         : "results were not read for too long",
                     ", so the batch was ended; an item without a result may have been sent"))
        .Chinese(absl::StrCat(environment.cut_off ? "服务正在关闭" : "结果太久没有被读取",
                              "，批次已结束；没有结果的条目可能已经发送"));
  }
  co_return base::ErrorBuilder(
      absl::StatusCode::kCancelled, base::Reason::kCancelled,
      "the caller went away; what had begun was finished, nothing more was sent")
      .Chinese("调用方已离开；已开始的发送已完成，其余未发送");
}

Task<absl::Status> Later(const char* what, const char* chinese, std::string account = "") {
  co_return base::Annotate(NotImplemented(what, chinese), "account", account);
}

}  // namespace

grpc::ServerUnaryReactor* NotifyService::SendText(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return StartUnary<v1::SendTextRequest, v1::SendTextResponse>(
      environment_, context, kService, "SendText", request, response,
      [this](CallInfo& info, const auto& in, auto& out) { return DoSend(sender_, info, in, out); });
}

grpc::ServerUnaryReactor* NotifyService::SendTemplate(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return StartUnary<v1::SendTemplateRequest, v1::SendTemplateResponse>(
      environment_, context, kService, "SendTemplate", request, response,
      [this](CallInfo& info, const auto& in, auto& out) { return DoSend(sender_, info, in, out); });
}

grpc::ServerUnaryReactor* NotifyService::SendMessage(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return StartUnary<v1::SendMessageRequest, v1::SendMessageResponse>(
      environment_, context, kService, "SendMessage", request, response,
      [this](CallInfo&, const auto& in, auto&) {
        return Later("SendMessage: this version sends texts and templates only",
                     "SendMessage：此版本只支持文本和模板消息", sender_.AccountName(in.account()));
      });
}

grpc::ServerUnaryReactor* NotifyService::SendSubscription(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return StartUnary<v1::SendSubscriptionRequest, v1::SendSubscriptionResponse>(
      environment_, context, kService, "SendSubscription", request, response,
      [this](CallInfo&, const auto& in, auto&) {
        return Later("SendSubscription: this version sends texts and templates only",
                     "SendSubscription：此版本只支持文本和模板消息",
                     sender_.AccountName(in.account()));
      });
}

grpc::ServerUnaryReactor* NotifyService::SetTyping(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return StartUnary<v1::SetTypingRequest, v1::SetTypingResponse>(
      environment_, context, kService, "SetTyping", request, response,
      [this](CallInfo& info, const auto& in, auto& out) {
        return DoSetTyping(sender_, info, in, out);
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* NotifyService::SendBatch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StartStream<v1::SendBatchRequest, v1::SendBatchResponse>(
      environment_, context, kService, "SendBatch", request, kBatchCeiling,
      [this](CallInfo& info, const auto& in, auto& writer) {
        return DoSendBatch(environment_, sender_, bulk_calls_, info, in, writer);
      });
}

grpc::ServerUnaryReactor* NotifyService::Enqueue(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return StartUnary<v1::EnqueueRequest, v1::EnqueueResponse>(
      environment_, context, kService, "Enqueue", request, response,
      [](CallInfo&, const auto&, auto&) {
        return Later("Enqueue: this version has no queue; use SendBatch",
                     "Enqueue：此版本还没有队列，请用 SendBatch");
      });
}

grpc::ServerUnaryReactor* NotifyService::GetUserInfo(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return StartUnary<v1::GetUserInfoRequest, v1::GetUserInfoResponse>(
      environment_, context, kService, "GetUserInfo", request, response,
      [this](CallInfo& info, const auto& in, auto& out) {
        return DoGetUserInfo(users_, info, in, out);
      });
}

grpc::ServerUnaryReactor* NotifyService::BatchGetUserInfo(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return StartUnary<v1::BatchGetUserInfoRequest, v1::BatchGetUserInfoResponse>(
      environment_, context, kService, "BatchGetUserInfo", request, response,
      [this](CallInfo& info, const auto& in, auto& out) {
        return DoBatchGetUserInfo(users_, bulk_calls_, info, in, out);
      });
}

}  // namespace hongyan::endpoints
