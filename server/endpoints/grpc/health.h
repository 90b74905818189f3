// grpc.health.v1.Health: Check and Watch, for "" and each service's name.
//
// Contract: SERVING or NOT_SERVING for the names given at construction, all alike; Check of another
//           name is NOT_FOUND, Watch of one says SERVICE_UNKNOWN. A change reaches every watcher,
//           the latest state if several came.
// Bounds:   1000 watchers; one more is RESOURCE_EXHAUSTED.
// Threads:  event loop only.          Lifetime: outlives its table's transport.
// Source:   https://github.com/grpc/grpc/blob/master/doc/health-checking.md
#pragma once

#include <grpc/health/v1/health.pb.h>

#include <set>
#include <string>
#include <vector>

#include "server/api/method_table.h"
#include "server/async/wait_list.h"

namespace hongyan::endpoints {

class Health {
 public:
  Health(const std::vector<std::string>& services, async::Clock& clock);
  api::MethodTable Methods();

  void Set(bool serving);

 private:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  async::Task<absl::StatusOr<Response>> Check(api::Call& call, const Request& request);
  async::Task<absl::Status> Watch(api::Call& call, const Request& request,
                                  api::ResponseWriter<Response> writer);
  Response::ServingStatus GetStatus(const std::string& service) const;

  async::Clock& clock_;
  std::set<std::string> services_;
  bool serving_ = false;
  async::WaitList changed_;
  api::Places watchers_;
};

}  // namespace hongyan::endpoints
