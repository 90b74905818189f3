#include "server/endpoints/grpc/grpc_metrics.h"

#include <cstdint>

namespace hongyan::endpoints {

std::vector<base::Figure> GrpcFigures(const AcceptorCounts& connections,
                                      const SelfProbeCounts& probes) {
  const auto refused = [](const char* reason, std::int64_t count) {
    return base::Figure{"hongyan_grpc_connections_refused_total",
                        "Connections of the gRPC listener that were closed for want of a place, "
                        "or because they said nothing.",
                        static_cast<double>(count),
                        true,
                        {"reason", reason}};
  };
  const auto probed = [](const char* outcome, std::int64_t count) {
    return base::Figure{"hongyan_grpc_self_probes_total",
                        "Connections of this process to its own gRPC port, by outcome.",
                        static_cast<double>(count),
                        true,
                        {"outcome", outcome}};
  };
  return {
      {"hongyan_grpc_connections", "Open connections of the gRPC listener.",
       static_cast<double>(connections.open)},
      refused("over_limit", connections.over_limit),
      refused("over_address_limit", connections.over_address_limit),
      refused("silent", connections.silent),
      refused("no_descriptor", connections.no_descriptor),
      probed("answered", probes.answered),
      probed("failed", probes.failed),
  };
}

}  // namespace hongyan::endpoints
