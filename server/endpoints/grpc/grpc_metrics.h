// The gRPC port's connections and probes, for /metrics.
//
// Threads: any; pure.
#pragma once

#include <string>

#include "server/endpoints/grpc/acceptor.h"
#include "server/endpoints/grpc/self_probe.h"

namespace hongyan::endpoints {

// hongyan_grpc_*, in the Prometheus text format.
std::string GrpcMetricsText(const AcceptorCounts& connections, const SelfProbeCounts& probes);

}  // namespace hongyan::endpoints
