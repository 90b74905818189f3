#include "server/endpoints/grpc/event_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/nearest.h"
#include "server/base/status.h"
#include "server/core/push_type.h"
#include "server/endpoints/grpc/event_convert.h"
#include "server/endpoints/grpc/stored_event.h"
#include "server/endpoints/grpc/unary_call.h"
#include "server/storage/errors.h"

namespace hongyan::endpoints {
namespace {

constexpr char kService[] = "hongyan.v1.EventService";
constexpr int kDefaultPage = 100;
constexpr int kMaxTypes = 50;
static_assert(kMaxTypes <= storage::kMaxTypes);
static_assert(core::EventFeed::kNewest <= kTailPage);
// Less than the 4 MiB that clients take by default.
constexpr std::size_t kMaxListBytes = 3 << 20;
constexpr absl::Duration kReadLimit = absl::Seconds(10);
constexpr absl::Duration kWatchCeiling = absl::Hours(24);

absl::Status UnknownType(const std::string& field, const std::string& typed) {
  const std::vector<absl::string_view> types = core::PushTypes();
  const auto meant = base::NearestWord(typed, types);
  return base::InvalidField(
      field,
      absl::StrCat("is no event type; ",
                   meant ? absl::StrCat("did you mean ", *meant, "? ") : std::string(),
                   "There are ", absl::StrJoin(types, ", ")),
      absl::StrCat("不是事件类型；",
                   meant ? absl::StrCat("是否想写 ", *meant, "？") : std::string(), "可用的类型有 ",
                   absl::StrJoin(types, "、")));
}

// The filter of either request.
template <typename Request>
absl::StatusOr<storage::EventFilter> FilterOf(core::Accounts& accounts, const Request& request) {
  storage::EventFilter filter;
  if (!request.account().empty()) {
    const auto account = accounts.Find(request.account());
    if (!account.ok()) return account.status();
    filter.account = (*account)->name;
  }
  if (request.types_size() > kMaxTypes) {
    return base::InvalidField("types", absl::StrCat("takes at most ", kMaxTypes),
                              absl::StrCat("最多 ", kMaxTypes, " 个"));
  }
  for (int i = 0; i < request.types_size(); ++i) {
    if (!IsEventType(request.types(i))) {
      return UnknownType(absl::StrCat("types[", i, "]"), request.types(i));
    }
    filter.types.push_back(request.types(i));
  }
  if (request.after_cursor() < 0) {
    return base::InvalidField("after_cursor", "must not be negative", "不能为负数");
  }
  return filter;
}

bool Fits(const v1::Event& event, const storage::EventFilter& filter) {
  if (!filter.account.empty() && filter.account != event.account()) return false;
  return filter.types.empty() ||
         std::find(filter.types.begin(), filter.types.end(), event.type()) != filter.types.end();
}

class WatcherPlace {
 public:
  WatcherPlace(int& taken, base::Metrics& metrics)
      : taken_(taken), metrics_(metrics), mine_(taken < kMaxEventWatchers) {
    Count(mine_);
  }
  WatcherPlace(const WatcherPlace&) = delete;
  WatcherPlace& operator=(const WatcherPlace&) = delete;
  ~WatcherPlace() { Count(-static_cast<int>(mine_)); }
  explicit operator bool() const { return mine_; }

 private:
  void Count(int delta) {
    taken_ += delta;
    metrics_.EventWatchers(delta);
  }

  int& taken_;
  base::Metrics& metrics_;
  const bool mine_;
};

// An error about one account's events names it.
absl::Status Of(const storage::EventFilter& filter, const absl::Status& status) {
  return filter.account.empty() ? status : base::Annotate(status, "account", filter.account);
}

// Why nobody waits for the next event any more.
absl::Status Over(const CallInfo& info, async::MonoTime now) {
  if (now >= info.limit.deadline && info.limit.set_by_caller) {
    return base::ErrorBuilder(absl::StatusCode::kDeadlineExceeded, base::Reason::kDeadlineTooShort,
                              "the caller's deadline has come; resume with the last cursor")
        .Chinese("已到调用方的截止时间，请用最后的 cursor 继续");
  }
  if (now >= info.limit.deadline) return StreamAged();
  return base::ErrorBuilder(absl::StatusCode::kCancelled, base::Reason::kCancelled,
                            "the caller went away")
      .Chinese("调用方已离开");
}

}  // namespace

async::Task<absl::Status> EventService::List(CallInfo& info, const v1::ListEventsRequest& request,
                                             v1::ListEventsResponse& response) {
  info.account = request.account();
  const auto filter = FilterOf(accounts_, request);
  if (!filter.ok()) co_return filter.status();
  if (request.page_size() < 0) {
    co_return base::InvalidField("page_size", "must not be negative", "不能为负数");
  }
  const int size =
      request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), storage::kMaxPage);
  const auto page =
      co_await store_.List(*filter, request.after_cursor(), size, info.limit.deadline);
  if (!page.ok()) co_return Of(*filter, page.status());
  std::size_t bytes = 0;
  for (const storage::StoredEvent& event : page->events) {
    v1::Event proto;
    ToProto(event, proto);
    bytes += proto.ByteSizeLong();
    if (response.events_size() > 0 && bytes > kMaxListBytes) break;
    *response.add_events() = std::move(proto);
  }
  co_return absl::OkStatus();
}

// A reader far behind the newest event lets storage pick what it wants.
async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> EventService::ReadFar(
    storage::EventFilter filter, std::int64_t after, async::MonoTime deadline) {
  auto page = co_await store_.List(std::move(filter), after, kTailPage, deadline, kTailBytes);
  if (!page.ok()) co_return page.status();
  auto batch = std::make_shared<EventBatch>();
  Fill(*page, *batch);
  co_return batch;
}

async::Task<absl::Status> EventService::Watch(CallInfo& info, const v1::WatchEventsRequest& request,
                                              StreamWriter<v1::WatchEventsResponse>& writer) {
  info.account = request.account();
  const WatcherPlace place(watchers_, environment_.metrics);
  if (!place) {
    co_return Overloaded(
        absl::StrCat(kMaxEventWatchers, " watchers are there already, try again later"),
        absl::StrCat("订阅数已达 ", kMaxEventWatchers, "，请稍后重试"));
  }
  const auto filter = FilterOf(accounts_, request);
  if (!filter.ok()) co_return filter.status();
  const auto soon = [this] { return async::After(environment_.clock.Mono(), kReadLimit); };
  const auto last = co_await store_.LastCursor(soon());
  if (!last.ok()) co_return Of(*filter, last.status());
  feed_.ToldLast(*last);
  std::int64_t after = request.has_after_cursor() ? request.after_cursor() : *last;
  if (after > *last) co_return Of(*filter, storage::CursorUnknown(after, *last));
  writer.Begin();
  while (!environment_.stopping && !feed_.closed()) {
    auto reading =
        feed_.IsNearTheEnd(after) ? tail_.After(after, soon()) : ReadFar(*filter, after, soon());
    const auto batch = co_await std::move(reading);
    if (!batch.ok()) co_return Of(*filter, batch.status());
    for (const v1::Event& event : (*batch)->events) {
      if (environment_.stopping) co_return Of(*filter, ShuttingDown());
      if (!Fits(event, *filter)) continue;
      v1::WatchEventsResponse response;
      *response.mutable_event() = event;
      const bool told = co_await writer.Write(std::move(response));
      if (!told) {
        co_return Of(*filter, writer.stalled() ? TooSlow() : Over(info, environment_.clock.Mono()));
      }
    }
    after = std::max(after, (*batch)->next_cursor);
    if ((*batch)->more) continue;
    const bool news = co_await feed_.WaitBeyond(after, info.limit.deadline);
    if (news) continue;
    if (!feed_.closed()) co_return Of(*filter, Over(info, environment_.clock.Mono()));
  }
  co_return Of(*filter, ShuttingDown());
}

grpc::ServerUnaryReactor* EventService::ListEvents(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return StartUnary<v1::ListEventsRequest, v1::ListEventsResponse>(
      environment_, context, kService, "ListEvents", request, response,
      [this](CallInfo& info, const auto& in, auto& out) { return List(info, in, out); });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* EventService::WatchEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StartStream<v1::WatchEventsRequest, v1::WatchEventsResponse>(
      environment_, context, kService, "WatchEvents", request, kWatchCeiling,
      [this](CallInfo& info, const auto& in, auto& writer) { return Watch(info, in, writer); },
      Admission::kFree);
}

}  // namespace hongyan::endpoints
