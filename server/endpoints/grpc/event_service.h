// EventService: what WeChat pushed, page by page and as a stream. The proto has the contract.
//
// Bounds:   kMaxEventWatchers streams at once, which take no max_in_flight place.
// Threads:  gRPC's call in, the rest is on the loop.
// Lifetime: everything it is given outlives it; it outlives the gRPC server.
#pragma once

#include "hongyan/v1/event.grpc.pb.h"
#include "server/core/accounts.h"
#include "server/core/event_feed.h"
#include "server/endpoints/grpc/call_info.h"
#include "server/endpoints/grpc/event_tail.h"
#include "server/endpoints/grpc/stream_call.h"
#include "server/storage/event_store.h"

namespace hongyan::endpoints {

inline constexpr int kMaxEventWatchers = 1000;

// Every method takes and gives bytes; see call_task.h.
using RawEventService = v1::EventService::WithRawCallbackMethod_ListEvents<
    v1::EventService::WithRawCallbackMethod_WatchEvents<v1::EventService::Service>>;

class EventService final : public RawEventService {
 public:
  EventService(CallEnvironment& environment, core::Accounts& accounts, storage::EventStore& store,
               core::EventFeed& feed)
      : environment_(environment),
        accounts_(accounts),
        store_(store),
        feed_(feed),
        tail_(store, environment.clock) {}

  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchEvents(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request) override;

 private:
  async::Task<absl::Status> List(CallInfo& info, const v1::ListEventsRequest& request,
                                 v1::ListEventsResponse& response);
  async::Task<absl::Status> Watch(CallInfo& info, const v1::WatchEventsRequest& request,
                                  StreamWriter<v1::WatchEventsResponse>& writer);

  async::Task<absl::StatusOr<std::shared_ptr<const EventBatch>>> ReadFar(
      storage::EventFilter filter, std::int64_t after, async::MonoTime deadline);

  CallEnvironment& environment_;
  core::Accounts& accounts_;
  storage::EventStore& store_;
  core::EventFeed& feed_;
  EventTail tail_;
  int watchers_ = 0;  // the loop's
};

}  // namespace hongyan::endpoints
