// The gRPC port's connections and probes, for /metrics: hongyan_grpc_*.
//
// Threads: any; pure.
#pragma once

#include <vector>

#include "server/base/metrics.h"
#include "server/endpoints/grpc/acceptor.h"
#include "server/endpoints/grpc/self_probe.h"

namespace hongyan::endpoints {

std::vector<base::Figure> GrpcFigures(const AcceptorCounts& connections,
                                      const SelfProbeCounts& probes);

}  // namespace hongyan::endpoints
