// grpc.reflection, v1 and v1alpha: what a client needs to call us without files.
//
// Contract: answers list_services, file_by_filename, file_containing_symbol, file_containing_extension and
//           all_extension_numbers_of_type from the descriptors that are linked in.
// Bounds:   at most 200 streams at once over both versions; RESOURCE_EXHAUSTED OVERLOADED beyond.
// Threads:  any.       Lifetime: outlives the gRPC server; `environment` outlives it.
// Source:   https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
#pragma once

#include <grpcpp/impl/codegen/service_type.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/endpoints/grpc/call_info.h"

namespace hongyan::endpoints {

struct Reflection {
  // One for each version; register both with the server.
  std::vector<std::unique_ptr<grpc::Service>> services;
  // Cancels the open streams and refuses new ones: before the server's shutdown.
  std::function<void()> end;
};

// `services` are full names, as list_services answers them.
Reflection MakeReflection(CallEnvironment& environment, std::vector<std::string> services);

}  // namespace hongyan::endpoints
