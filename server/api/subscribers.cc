#include "server/api/subscribers.h"

#include <algorithm>
#include <utility>

#include "server/api/convert.h"
#include "server/api/page_token.h"
#include "server/base/status.h"

namespace hongyan::api {
namespace {

using async::Task;

constexpr int kDefaultPage = 100;
constexpr absl::Duration kSyncCeiling = absl::Hours(24);

void Fill(const model::Subscriber& row, absl::Time now, v1::Subscriber& proto) {
  proto.set_account(row.account);
  v1::UserInfo& user = *proto.mutable_user();
  user.set_openid(row.openid);
  user.set_subscribed(row.subscribed);
  if (row.subscribe_time) ToProto(*row.subscribe_time, *user.mutable_subscribe_time());
  ToProto(row.profile, user);
  if (row.last_inbound_time) ToProto(*row.last_inbound_time, *proto.mutable_last_inbound_time());
  if (const auto expires = row.WindowExpireTime(now)) {
    ToProto(*expires, *proto.mutable_window_expire_time());
  }
  proto.set_allowance_left(row.AllowanceLeft(now));
  if (row.unsubscribe_time) ToProto(*row.unsubscribe_time, *proto.mutable_unsubscribe_time());
  ToProto(row.update_time, *proto.mutable_update_time());
}

absl::Status NoRecipient() {
  return base::InvalidField("subscriber", "takes an openid or a unionid", "需要 openid 或 unionid");
}

absl::StatusOr<storage::SubscriberFilter> MakeFilter(const std::string& account,
                                                     const v1::ListSubscribersRequest& request) {
  storage::SubscriberFilter filter;
  filter.account = account;
  if (request.has_subscribed()) filter.subscribed = request.subscribed();
  if (request.has_tag_id()) filter.tag_id = request.tag_id();
  filter.subscribe_scene = request.subscribe_scene();
  if (request.has_updated_after()) {
    const auto time = FromProto(request.updated_after(), "updated_after");
    if (!time.ok()) return time.status();
    filter.updated_after = *time;
  }
  if (request.has_inbound_after()) {
    const auto time = FromProto(request.inbound_after(), "inbound_after");
    if (!time.ok()) return time.status();
    filter.inbound_after = *time;
  }
  return filter;
}

// What decides who is listed, and nothing else.
std::string SerializeConditions(v1::ListSubscribersRequest request, const std::string& account) {
  request.set_account(account);
  request.clear_page_size();
  request.clear_page_token();
  request.DiscardUnknownFields();
  return request.SerializeAsString();
}

}  // namespace

MethodTable Subscribers::Methods() {
  MethodOptions sync;
  sync.ceiling = kSyncCeiling;
  sync.resumable = true;
  return {"hongyan.v1.SubscriberService",
          {Unary(Scope::kUsers, "GetSubscriber", this, &Subscribers::GetSubscriber),
           Unary(Scope::kUsers, "ListSubscribers", this, &Subscribers::ListSubscribers),
           Stream(Scope::kUsers, "SyncSubscribers", this, &Subscribers::SyncSubscribers, sync),
           Unary(Scope::kUsers, "DeleteSubscriber", this, &Subscribers::DeleteSubscriber)}};
}

Task<absl::StatusOr<v1::GetSubscriberResponse>> Subscribers::GetSubscriber(
    Call& call, const v1::GetSubscriberRequest& request) {
  const std::string& account = call.account->name;
  absl::StatusOr<model::Subscriber> found = NoRecipient();
  if (request.has_openid()) {
    found = co_await subscribers_.Get(account, request.openid(), call.limit.deadline);
  } else if (request.has_unionid()) {
    found = co_await subscribers_.Find(account, request.unionid(), call.limit.deadline);
  }
  if (!found.ok()) co_return found.status();
  v1::GetSubscriberResponse response;
  Fill(*found, clock_.Now(), *response.mutable_subscriber());
  co_return response;
}

Task<absl::StatusOr<v1::ListSubscribersResponse>> Subscribers::ListSubscribers(
    Call& call, const v1::ListSubscribersRequest& request) {
  const auto filter = MakeFilter(call.account->name, request);
  if (!filter.ok()) co_return filter.status();
  const std::string conditions = SerializeConditions(request, call.account->name);
  auto token = ReadPageToken(conditions, request.page_token());
  if (!token.ok()) co_return token.status();
  std::string after = *std::move(token);
  if (request.page_size() < 0) {
    co_return base::InvalidField("page_size", "must not be negative", "不能为负数");
  }
  const int size = request.page_size() == 0
                       ? kDefaultPage
                       : std::min(request.page_size(), storage::kMaxSubscriberPage);
  v1::ListSubscribersResponse response;
  while (true) {
    auto page = co_await subscribers_.List(*filter, after, size, call.limit.deadline);
    if (!page.ok()) co_return page.status();
    for (const model::Subscriber& row : page->subscribers) {
      Fill(row, clock_.Now(), *response.add_subscribers());
    }
    after = page->next_openid;
    if (!page->more) co_return response;
    if (page->subscribers.empty()) continue;  // looked at many, none of which fitted
    response.set_next_page_token(PageToken(conditions, after));
    co_return response;
  }
}

Task<bool> Subscribers::WriteProgress(core::Subscribers::Progress progress,
                                      ResponseWriter<v1::SyncSubscribersResponse>& writer) {
  v1::SyncSubscribersResponse response;
  response.set_total(progress.total);
  response.set_listed(progress.listed);
  response.set_fetched(progress.fetched);
  response.set_departed(progress.left);
  response.set_unreadable(progress.unreadable);
  ToProto(progress.start_time, *response.mutable_start_time());
  if (progress.done) ToProto(clock_.Now(), *response.mutable_finish_time());
  co_return co_await writer.Write(response);
}

Task<absl::Status> Subscribers::SyncSubscribers(
    Call& call, const v1::SyncSubscribersRequest& request,
    ResponseWriter<v1::SyncSubscribersResponse> writer) {
  const absl::Status status =
      co_await subscribers_.Sync(call.account->name, request.restart(), call.limit,
                                 [this, &writer](core::Subscribers::Progress progress) {
                                   return WriteProgress(progress, writer);
                                 });
  const bool aged = absl::IsDeadlineExceeded(status) && !call.limit.set_by_caller &&
                    clock_.Mono() >= call.limit.deadline;
  co_return writer.stalled() || aged ? StreamEnd(call, writer.stalled(), clock_.Mono()) : status;
}

Task<absl::StatusOr<v1::DeleteSubscriberResponse>> Subscribers::DeleteSubscriber(
    Call& call, const v1::DeleteSubscriberRequest& request) {
  const std::string& account = call.account->name;
  std::string openid = request.openid();
  if (request.has_unionid()) {
    const auto found = co_await subscribers_.Find(account, request.unionid(), call.limit.deadline);
    if (!found.ok()) co_return found.status();
    openid = found->openid;
  } else if (!request.has_openid()) {
    co_return NoRecipient();
  }
  const absl::Status deleted =
      co_await subscribers_.Delete(account, std::move(openid), call.limit.deadline);
  if (!deleted.ok()) co_return deleted;
  co_return v1::DeleteSubscriberResponse();
}

}  // namespace hongyan::api
