// grpc.reflection, v1 and v1alpha: what a client needs to call us without files.
//
// Contract: answers list_services, file_by_filename, file_containing_symbol, file_containing_extension and
//           all_extension_numbers_of_type from the descriptors that are linked in.
// Threads:  any; holds nothing that changes.       Lifetime: outlives the gRPC server.
// Source:   https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
#pragma once

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <string>
#include <vector>

namespace hongyan::doors {

// One for each version; register both with the server. `services` are full names, as list_services answers them.
std::vector<std::unique_ptr<grpc::Service>> MakeReflectionServices(
    std::vector<std::string> services);

}  // namespace hongyan::doors
