// hongyan.v1.SubscriberService: the followers that storage has. The proto has the contract.
//
// Threads:  event loop only.
// Lifetime: everything it is given outlives it; it outlives its table's transport.
#pragma once

#include "hongyan/v1/subscriber.pb.h"
#include "server/api/method_table.h"
#include "server/core/subscribers.h"

namespace hongyan::api {

class Subscribers {
 public:
  Subscribers(core::Subscribers& subscribers, async::Clock& clock)
      : subscribers_(subscribers), clock_(clock) {}
  MethodTable Methods();

 private:
  async::Task<absl::StatusOr<v1::GetSubscriberResponse>> GetSubscriber(
      Call& call, const v1::GetSubscriberRequest& request);
  async::Task<absl::StatusOr<v1::ListSubscribersResponse>> ListSubscribers(
      Call& call, const v1::ListSubscribersRequest& request);
  async::Task<absl::Status> SyncSubscribers(Call& call, const v1::SyncSubscribersRequest& request,
                                            ResponseWriter<v1::SyncSubscribersResponse> writer);
  async::Task<absl::StatusOr<v1::DeleteSubscriberResponse>> DeleteSubscriber(
      Call& call, const v1::DeleteSubscriberRequest& request);

  // False: nobody listens any more.
  async::Task<bool> WriteProgress(core::Subscribers::Progress progress,
                                  ResponseWriter<v1::SyncSubscribersResponse>& writer);

  core::Subscribers& subscribers_;
  async::Clock& clock_;
};

}  // namespace hongyan::api
