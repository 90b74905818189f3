// grpc.reflection, v1 and v1alpha: what a client needs to call us without files.
//
// Contract: answers list_services, file_by_filename, file_containing_symbol,
//           file_containing_extension and all_extension_numbers_of_type from the descriptors that
//           are linked in.
// Bounds:   at most 200 streams at once over both versions; RESOURCE_EXHAUSTED OVERLOADED beyond.
// Threads:  event loop only.          Lifetime: outlives its tables' transport.
// Source:   https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
#pragma once

#include <string>
#include <vector>

#include "server/api/method_table.h"

namespace hongyan::endpoints {

class Reflection {
 public:
  // `services` are full names, as list_services answers them.
  explicit Reflection(std::vector<std::string> services);
  // One for each version.
  std::vector<api::MethodTable> Methods();

 private:
  template <typename Request, typename Response>
  async::Task<absl::StatusOr<Response>> Answer(api::Call& call, const Request& request);

  const std::vector<std::string> services_;
  api::Places streams_;
};

}  // namespace hongyan::endpoints
