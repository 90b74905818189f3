#include "server/endpoints/grpc/subscriber_service.h"

#include <algorithm>
#include <utility>

#include "server/base/status.h"
#include "server/endpoints/grpc/convert.h"
#include "server/endpoints/grpc/page_token.h"
#include "server/endpoints/grpc/stream_call.h"
#include "server/endpoints/grpc/unary_call.h"

namespace hongyan::endpoints {
namespace {

using async::Task;

constexpr char kService[] = "hongyan.v1.SubscriberService";
constexpr int kDefaultPage = 100;
constexpr absl::Duration kSyncCeiling = absl::Hours(24);

void Fill(const storage::Subscriber& row, absl::Time now, v1::Subscriber& proto) {
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

absl::Status Nobody() {
  return base::InvalidField("subscriber", "takes an openid or a unionid", "需要 openid 或 unionid");
}

Task<absl::Status> DoGet(core::Subscribers& subscribers, async::Clock& clock, CallInfo& info,
                         const v1::GetSubscriberRequest& request,
                         v1::GetSubscriberResponse& response) {
  info.account = request.account();
  const auto account = subscribers.NameOf(request.account());
  if (!account.ok()) co_return account.status();
  absl::StatusOr<storage::Subscriber> found = Nobody();
  if (request.has_openid()) {
    found = co_await subscribers.Get(request.account(), request.openid(), info.limit.deadline);
  } else if (request.has_unionid()) {
    found = co_await subscribers.Find(request.account(), request.unionid(), info.limit.deadline);
  }
  if (!found.ok()) co_return base::Annotate(found.status(), "account", *account);
  Fill(*found, clock.Now(), *response.mutable_subscriber());
  co_return absl::OkStatus();
}

absl::StatusOr<storage::SubscriberFilter> FilterOf(const v1::ListSubscribersRequest& request) {
  storage::SubscriberFilter filter;
  filter.account = request.account();
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
std::string ConditionsOf(v1::ListSubscribersRequest request, const std::string& account) {
  request.set_account(account);
  request.clear_page_size();
  request.clear_page_token();
  request.DiscardUnknownFields();
  return request.SerializeAsString();
}

Task<absl::Status> DoList(core::Subscribers& subscribers, async::Clock& clock, CallInfo& info,
                          const v1::ListSubscribersRequest& request,
                          v1::ListSubscribersResponse& response) {
  info.account = request.account();
  const auto account = subscribers.NameOf(request.account());
  if (!account.ok()) co_return account.status();
  const auto filter = FilterOf(request);
  if (!filter.ok()) co_return base::Annotate(filter.status(), "account", *account);
  const std::string conditions = ConditionsOf(request, *account);
  auto token = AfterOf(conditions, request.page_token());
  if (!token.ok()) co_return base::Annotate(token.status(), "account", *account);
  std::string after = *std::move(token);
  if (request.page_size() < 0) {
    absl::Status negative = base::InvalidField("page_size", "must not be negative", "不能为负数");
    co_return base::Annotate(std::move(negative), "account", *account);
  }
  const int size = request.page_size() == 0
                       ? kDefaultPage
                       : std::min(request.page_size(), storage::kMaxSubscriberPage);
  while (true) {
    auto page = co_await subscribers.List(*filter, after, size, info.limit.deadline);
    if (!page.ok()) co_return base::Annotate(page.status(), "account", *account);
    for (const storage::Subscriber& row : page->subscribers) {
      Fill(row, clock.Now(), *response.add_subscribers());
    }
    after = page->next_openid;
    if (!page->more) co_return absl::OkStatus();
    if (page->subscribers.empty()) continue;  // looked at many, none of which fitted
    response.set_next_page_token(PageToken(conditions, after));
    co_return absl::OkStatus();
  }
}

// False: nobody listens any more, or the server stops.
Task<bool> Tell(core::Subscribers::Progress progress, CallEnvironment& environment,
                StreamWriter<v1::SyncSubscribersResponse>& writer) {
  v1::SyncSubscribersResponse response;
  response.set_total(progress.total);
  response.set_listed(progress.listed);
  response.set_fetched(progress.fetched);
  response.set_departed(progress.left);
  response.set_unreadable(progress.unreadable);
  ToProto(progress.start_time, *response.mutable_start_time());
  if (progress.done) ToProto(environment.clock.Now(), *response.mutable_finish_time());
  const bool told = co_await writer.Write(std::move(response));
  co_return told && !environment.stopping;
}

Task<absl::Status> DoSync(CallEnvironment& environment, core::Subscribers& subscribers,
                          CallInfo& info, const v1::SyncSubscribersRequest& request,
                          StreamWriter<v1::SyncSubscribersResponse>& writer) {
  info.account = request.account();
  const auto account = subscribers.NameOf(request.account());
  if (!account.ok()) co_return account.status();
  absl::Status status =
      co_await subscribers.Sync(request.account(), request.restart(), info.limit,
                                [&environment, &writer](core::Subscribers::Progress progress) {
                                  return Tell(progress, environment, writer);
                                });
  if (writer.stalled()) status = TooSlow();
  const bool aged = !info.limit.set_by_caller && environment.clock.Mono() >= info.limit.deadline;
  if (aged && absl::IsDeadlineExceeded(status)) status = StreamAged();
  // The import can be taken up later, so it doesn't use the time that the other calls have.
  if (environment.stopping && absl::IsCancelled(status)) status = ShuttingDown();
  co_return base::Annotate(std::move(status), "account", *account);
}

Task<absl::Status> DoDelete(core::Subscribers& subscribers, CallInfo& info,
                            const v1::DeleteSubscriberRequest& request) {
  info.account = request.account();
  const auto account = subscribers.NameOf(request.account());
  if (!account.ok()) co_return account.status();
  std::string openid = request.openid();
  if (request.has_unionid()) {
    const auto found =
        co_await subscribers.Find(request.account(), request.unionid(), info.limit.deadline);
    if (!found.ok()) co_return base::Annotate(found.status(), "account", *account);
    openid = found->openid;
  } else if (!request.has_openid()) {
    co_return base::Annotate(Nobody(), "account", *account);
  }
  const absl::Status deleted =
      co_await subscribers.Delete(request.account(), std::move(openid), info.limit.deadline);
  co_return base::Annotate(deleted, "account", *account);
}

}  // namespace

grpc::ServerUnaryReactor* SubscriberService::GetSubscriber(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return StartUnary<v1::GetSubscriberRequest, v1::GetSubscriberResponse>(
      environment_, context, kService, "GetSubscriber", request, response,
      [this](CallInfo& info, const auto& in, auto& out) {
        return DoGet(subscribers_, environment_.clock, info, in, out);
      });
}

grpc::ServerUnaryReactor* SubscriberService::ListSubscribers(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return StartUnary<v1::ListSubscribersRequest, v1::ListSubscribersResponse>(
      environment_, context, kService, "ListSubscribers", request, response,
      [this](CallInfo& info, const auto& in, auto& out) {
        return DoList(subscribers_, environment_.clock, info, in, out);
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* SubscriberService::SyncSubscribers(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StartStream<v1::SyncSubscribersRequest, v1::SyncSubscribersResponse>(
      environment_, context, kService, "SyncSubscribers", request, kSyncCeiling,
      [this](CallInfo& info, const auto& in, auto& writer) {
        return DoSync(environment_, subscribers_, info, in, writer);
      });
}

grpc::ServerUnaryReactor* SubscriberService::DeleteSubscriber(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return StartUnary<v1::DeleteSubscriberRequest, v1::DeleteSubscriberResponse>(
      environment_, context, kService, "DeleteSubscriber", request, response,
      [this](CallInfo& info, const auto& in, auto&) { return DoDelete(subscribers_, info, in); });
}

}  // namespace hongyan::endpoints
