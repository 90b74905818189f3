#include "server/api/events.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/api/event_convert.h"
#include "server/api/stored_event.h"
#include "server/base/nearest.h"
#include "server/base/status.h"
#include "server/core/push_type.h"

namespace hongyan::api {
namespace {

using async::Task;

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
absl::StatusOr<storage::EventFilter> MakeFilter(const Call& call, const Request& request) {
  storage::EventFilter filter;
  if (call.account != nullptr) filter.account = call.account->name;
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

}  // namespace

Events::Events(storage::EventStore& store, core::EventFeed& feed, async::Clock& clock,
               base::Metrics& metrics)
    : store_(store),
      feed_(feed),
      clock_(clock),
      tail_(store, clock),
      watchers_(kMaxEventWatchers,
                absl::StrCat(kMaxEventWatchers, " watchers are there already, try again later"),
                absl::StrCat("订阅数已达 ", kMaxEventWatchers, "，请稍后重试"),
                [&metrics](int watchers) { metrics.event_watchers->Set(watchers); }) {}

MethodTable Events::Methods() {
  MethodOptions list;
  list.account = AccountRule::kOptional;
  MethodOptions watch = list;
  watch.ceiling = kWatchCeiling;
  watch.counted = false;
  watch.places = &watchers_;
  watch.resumable = true;
  return {"hongyan.v1.EventService",
          {Unary(Scope::kEvents, "ListEvents", this, &Events::ListEvents, list),
           Stream(Scope::kEvents, "WatchEvents", this, &Events::WatchEvents, watch)}};
}

Task<absl::StatusOr<v1::ListEventsResponse>> Events::ListEvents(
    Call& call, const v1::ListEventsRequest& request) {
  const auto filter = MakeFilter(call, request);
  if (!filter.ok()) co_return filter.status();
  if (request.page_size() < 0) {
    co_return base::InvalidField("page_size", "must not be negative", "不能为负数");
  }
  const int size =
      request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), storage::kMaxPage);
  const auto page =
      co_await store_.List(*filter, request.after_cursor(), size, call.limit.deadline);
  if (!page.ok()) co_return page.status();
  v1::ListEventsResponse response;
  std::size_t bytes = 0;
  for (const model::StoredEvent& event : page->events) {
    v1::Event proto;
    ToProto(event, proto);
    bytes += proto.ByteSizeLong();
    if (response.events_size() > 0 && bytes > kMaxListBytes) break;
    *response.add_events() = std::move(proto);
  }
  co_return response;
}

// A reader far behind the newest event lets storage pick what it wants.
Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> Events::ReadFar(storage::EventFilter filter,
                                                                        std::int64_t after,
                                                                        async::MonoTime deadline) {
  auto page = co_await store_.List(std::move(filter), after, kTailPage, deadline, kTailBytes);
  if (!page.ok()) co_return page.status();
  auto batch = std::make_shared<EventBatch>();
  Fill(*page, *batch);
  co_return batch;
}

Task<absl::Status> Events::WatchEvents(Call& call, const v1::WatchEventsRequest& request,
                                       ResponseWriter<v1::WatchEventsResponse> writer) {
  const auto filter = MakeFilter(call, request);
  if (!filter.ok()) co_return filter.status();
  const auto soon = [this] { return async::After(clock_.Mono(), kReadLimit); };
  std::int64_t after = request.after_cursor();
  if (!request.has_after_cursor()) {
    const auto last = co_await store_.LastCursor(soon());
    if (!last.ok()) co_return last.status();
    after = *last;
  }
  bool told = true;
  bool begun = false;
  while (told) {
    auto reading =
        feed_.IsNearTheEnd(after) ? tail_.After(after, soon()) : ReadFar(*filter, after, soon());
    const auto batch = co_await std::move(reading);
    if (!batch.ok()) co_return batch.status();
    // Only now: the first read refuses a cursor that was never given out.
    if (!begun) told = co_await writer.Begin();
    begun = true;
    for (const v1::Event& event : (*batch)->events) {
      if (!told) break;
      if (!Fits(event, *filter)) continue;
      v1::WatchEventsResponse response;
      *response.mutable_event() = event;
      told = co_await writer.Write(response);
    }
    after = std::max(after, (*batch)->next_cursor);
    if (!told || (*batch)->more) continue;
    told = co_await feed_.WaitBeyond(after, call.limit.deadline);
  }
  co_return StreamEnd(call, writer.stalled(), clock_.Mono());
}

}  // namespace hongyan::api
