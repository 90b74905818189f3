#include "server/api/notify.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/api/convert.h"
#include "server/api/errors.h"
#include "server/async/fan_out.h"
#include "server/base/status.h"

namespace hongyan::api {
namespace {

using async::Task;

constexpr int kMaxBatch = 10000;
constexpr std::size_t kBatchWidth = 32;
constexpr absl::Duration kBatchCeiling = absl::Minutes(10);
// What has begun for a caller who is gone may end by itself: its outcome is recorded under the
// item's key.
constexpr absl::Duration kBatchPatience = absl::Seconds(5);

// What the error of a send is named after, where that isn't the request's own field.
absl::Status RenameFields(const v1::SendTextRequest&, const absl::Status& error) {
  return NamedAsInSendText(error);
}
absl::Status RenameFields(const v1::SendTemplateRequest&, const absl::Status& error) {
  return error;
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

}  // namespace

Notify::Notify(core::Accounts& accounts, core::Sender& sender, core::UserDirectory& users,
               async::Executor executor, async::Clock& clock)
    : accounts_(accounts),
      sender_(sender),
      users_(users),
      executor_(executor),
      clock_(clock),
      bulk_calls_(kMaxBulkCalls,
                  "too many SendBatch and BatchGetUserInfo calls are in flight; nothing was done, "
                  "try again in a second",
                  "进行中的批量调用过多，什么也没有做，请一秒后重试") {}

MethodTable Notify::Methods() {
  MethodOptions batch;
  batch.ceiling = kBatchCeiling;
  batch.places = &bulk_calls_;
  MethodOptions bulk;
  bulk.places = &bulk_calls_;
  return {"hongyan.v1.NotifyService",
          {Unary(Scope::kNotify, "SendText", this, &Notify::SendText),
           Unary(Scope::kNotify, "SendTemplate", this, &Notify::SendTemplate),
           Unary(Scope::kNotify, "SendMessage", this, &Notify::SendMessage),
           Unary(Scope::kNotify, "SendSubscription", this, &Notify::SendSubscription),
           Unary(Scope::kNotify, "SetTyping", this, &Notify::SetTyping),
           Stream(Scope::kNotify, "SendBatch", this, &Notify::SendBatch, batch),
           Unary(Scope::kNotify, "Enqueue", this, &Notify::Enqueue),
           Unary(Scope::kUsers, "GetUserInfo", this, &Notify::GetUserInfo),
           Unary(Scope::kUsers, "BatchGetUserInfo", this, &Notify::BatchGetUserInfo, bulk)}};
}

template <typename Response, typename Request>
Notify::Answer<Response> Notify::Send(Call& call, const Request& request) {
  auto notification = FromProto(request);
  if (!notification.ok()) co_return RenameFields(request, notification.status());
  const model::Delivery delivery =
      co_await sender_.Send(*call.account, *std::move(notification), call.limit);
  call.delivery = delivery.id;
  if (!delivery.error.ok()) co_return RenameFields(request, delivery.error);
  Response response;
  ToProto(delivery, *response.mutable_delivery());
  co_return response;
}

Notify::Answer<v1::SendTextResponse> Notify::SendText(Call& call,
                                                      const v1::SendTextRequest& request) {
  return Send<v1::SendTextResponse>(call, request);
}

Notify::Answer<v1::SendTemplateResponse> Notify::SendTemplate(
    Call& call, const v1::SendTemplateRequest& request) {
  return Send<v1::SendTemplateResponse>(call, request);
}

Notify::Answer<v1::SendMessageResponse> Notify::SendMessage(Call&, const v1::SendMessageRequest&) {
  co_return NotImplemented("SendMessage: this version sends texts and templates only",
                           "SendMessage：此版本只支持文本和模板消息");
}

Notify::Answer<v1::SendSubscriptionResponse> Notify::SendSubscription(
    Call&, const v1::SendSubscriptionRequest&) {
  co_return NotImplemented("SendSubscription: this version sends texts and templates only",
                           "SendSubscription：此版本只支持文本和模板消息");
}

Notify::Answer<v1::SetTypingResponse> Notify::SetTyping(Call& call,
                                                        const v1::SetTypingRequest& request) {
  std::optional<std::string> unionid;
  if (request.recipient_case() == v1::SetTypingRequest::kUnionid) unionid = request.unionid();
  const absl::Status status = co_await sender_.SetTyping(
      *call.account, request.openid(), std::move(unionid), request.cancel(), call.limit);
  if (!status.ok()) co_return status;
  co_return v1::SetTypingResponse();
}

Notify::Answer<v1::EnqueueResponse> Notify::Enqueue(Call&, const v1::EnqueueRequest&) {
  co_return NotImplemented("Enqueue: this version has no queue; use SendBatch",
                           "Enqueue：此版本还没有队列，请用 SendBatch");
}

Notify::Answer<v1::GetUserInfoResponse> Notify::GetUserInfo(Call& call,
                                                            const v1::GetUserInfoRequest& request) {
  const auto user =
      co_await users_.Get(*call.account, request.openid(), request.lang(), call.limit);
  if (!user.ok()) co_return user.status();
  v1::GetUserInfoResponse response;
  ToProto(*user, *response.mutable_user());
  co_return response;
}

Notify::Answer<v1::BatchGetUserInfoResponse> Notify::BatchGetUserInfo(
    Call& call, const v1::BatchGetUserInfoRequest& request) {
  std::vector<std::string> openids(request.openids().begin(), request.openids().end());
  const auto found =
      co_await users_.BatchGet(*call.account, std::move(openids), request.lang(), call.limit);
  if (!found.ok()) co_return found.status();
  v1::BatchGetUserInfoResponse response;
  for (const model::User& user : *found) ToProto(user, *response.add_users());
  co_return response;
}

Task<void> Notify::SendItem(const Call& call, const v1::SendBatchRequest& request,
                            std::size_t index, ResponseWriter<v1::SendBatchResponse>& writer,
                            bool& all_told) {
  if (!all_told) co_return;  // nothing more is sent for a caller who wouldn't hear of it
  const v1::Notification& item = request.notifications(static_cast<int>(index));
  model::Delivery delivery;
  const auto account = accounts_.Find(item.account());
  auto notification = FromProto(item);
  const absl::Status refused = account.ok() ? notification.status() : account.status();
  if (refused.ok()) {
    delivery = co_await sender_.Send(**account, *std::move(notification), call.limit);
  } else {
    delivery.account = account.ok() ? (*account)->name : item.account();
    delivery.openid = item.openid();
    delivery.state = model::DeliveryState::kFailed;
    delivery.error = refused;
    delivery.idempotency_key = item.idempotency_key();
    delivery.labels = {item.labels().begin(), item.labels().end()};
    delivery.create_time = clock_.Now();
  }
  const bool over = delivery.state == model::DeliveryState::kFailed ||
                    delivery.state == model::DeliveryState::kUnknown;
  if (over && !delivery.finish_time) delivery.finish_time = clock_.Now();
  if (account.ok()) delivery.error = base::Annotate(delivery.error, "account", (*account)->name);
  delivery.error = base::PrefixFields(delivery.error, absl::StrCat("notifications[", index, "]."));
  v1::SendBatchResponse response;
  response.set_index(static_cast<int>(index));
  ToProto(delivery, *response.mutable_delivery());
  if (!refused.ok()) Echo(item, *response.mutable_delivery());
  const bool told = co_await writer.Write(response);
  all_told &= told;
}

Task<absl::Status> Notify::SendBatch(Call& call, const v1::SendBatchRequest& request,
                                     ResponseWriter<v1::SendBatchResponse> writer) {
  const int count = request.notifications_size();
  if (count == 0 || count > kMaxBatch) {
    co_return base::InvalidField(
        "notifications", absl::StrCat("takes 1 to ", kMaxBatch, ", not ", count),
        absl::StrCat("应有 1 到 ", kMaxBatch, " 条，而不是 ", count, " 条"));
  }
  bool all_told = true;
  const async::Patience patience = [this, &call] {
    return std::min(call.stop.calls_end, async::After(clock_.Mono(), kBatchPatience));
  };
  const bool all_done = co_await async::FanOut(
      executor_, clock_, static_cast<std::size_t>(count), kBatchWidth, patience,
      [&](std::size_t index) { return SendItem(call, request, index, writer, all_told); });
  if (all_done && all_told) co_return absl::OkStatus();
  const bool cut_off = call.stop.cut_off;
  if (writer.stalled() || cut_off) {
    co_return base::ErrorBuilder(
        absl::StatusCode::kUnknown, base::Reason::kOutcomeUnknown,
        absl::StrCat(cut_off ? "the server is shutting down" : "results were not read for too long",
                     ", so the batch was ended; an item without a result may have been sent"))
        .Chinese(absl::StrCat(cut_off ? "服务正在关闭" : "结果太久没有被读取",
                              "，批次已结束；没有结果的条目可能已经发送"));
  }
  co_return base::ErrorBuilder(
      absl::StatusCode::kCancelled, base::Reason::kCancelled,
      "the caller went away; what had begun was finished, nothing more was sent")
      .Chinese("调用方已离开；已开始的发送已完成，其余未发送");
}

}  // namespace hongyan::api
