// hongyan.v1.EventService: what WeChat pushed, page by page and as a stream. The proto has the
// contract.
//
// Bounds:   kMaxEventWatchers streams at once, which take no max_in_flight place.
// Threads:  event loop only.
// Lifetime: everything it is given outlives it; it outlives its table's transport.
#pragma once

#include <memory>

#include "hongyan/v1/event.pb.h"
#include "server/api/event_tail.h"
#include "server/api/method_table.h"
#include "server/base/metrics.h"
#include "server/core/event_feed.h"
#include "server/storage/event_store.h"

namespace hongyan::api {

inline constexpr int kMaxEventWatchers = 1000;

class Events {
 public:
  Events(storage::EventStore& store, core::EventFeed& feed, async::Clock& clock,
         base::Metrics& metrics);
  MethodTable Methods();

 private:
  async::Task<absl::StatusOr<v1::ListEventsResponse>> ListEvents(
      Call& call, const v1::ListEventsRequest& request);
  async::Task<absl::Status> WatchEvents(Call& call, const v1::WatchEventsRequest& request,
                                        ResponseWriter<v1::WatchEventsResponse> writer);
  async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> ReadFar(
      storage::EventFilter filter, std::int64_t after, async::MonoTime deadline);

  storage::EventStore& store_;
  core::EventFeed& feed_;
  async::Clock& clock_;
  EventTail tail_;
  Places watchers_;
};

}  // namespace hongyan::api
