// The gRPC port's connections and probes, for /metrics.
//
// Threads: any; pure.
#pragma once

#include <string>

#include "server/doors/grpc/acceptor.h"
#include "server/doors/grpc/self_probe.h"

namespace hongyan::doors {

// hongyan_grpc_*, in the Prometheus text format.
std::string GrpcMetricsText(const AcceptorCounts& connections, const SelfProbeCounts& probes);

}  // namespace hongyan::doors
