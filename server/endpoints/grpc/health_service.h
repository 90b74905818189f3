// grpc.health.v1.Health: Check and Watch, for "" and each service's name.
//
// Contract: SERVING or NOT_SERVING for the names given at construction, all alike; Check of another name is NOT_FOUND,
//           Watch of one says SERVICE_UNKNOWN. A change reaches every watcher, the latest state if several came.
// Threads:  Set() and EndWatches() on the event loop.
// Bounds:   1000 watchers; one more is RESOURCE_EXHAUSTED.
// Lifetime: outlives the gRPC server.
// Source:   https://github.com/grpc/grpc/blob/master/doc/health-checking.md
#pragma once

#include <grpc/health/v1/health.grpc.pb.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/endpoints/grpc/call_info.h"

namespace hongyan::endpoints {

// Every method takes and gives bytes; see call_task.h.
using RawHealth = grpc::health::v1::Health::WithRawCallbackMethod_Check<
    grpc::health::v1::Health::WithRawCallbackMethod_Watch<grpc::health::v1::Health::Service>>;

class HealthService final : public RawHealth {
 public:
  HealthService(CallEnvironment& environment, std::vector<std::string> services);

  void Set(bool serving);
  // Ends all watches with UNAVAILABLE, so that they don't hold up a shutdown.
  void EndWatches();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override;

 private:
  class Watcher;
  async::Task<absl::Status> DoCheck(const grpc::health::v1::HealthCheckRequest& request,
                                    grpc::health::v1::HealthCheckResponse& response);

  CallEnvironment& environment_;
  const std::set<std::string> services_;
  bool serving_ = false;
  bool ended_ = false;
  std::set<std::shared_ptr<Watcher>> watchers_;
};

}  // namespace hongyan::endpoints
