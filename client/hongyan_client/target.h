// The address of a service, as it is typed.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace hongyan::client {

// OK: HOST:PORT, or a gRPC target such as dns:///HOST:PORT or unix:PATH. INVALID_ARGUMENT says, in
//     both languages, what is
// wrong: a URL, no port, IPv6 without brackets. Nothing is looked up.
absl::Status CheckTarget(const std::string& target);

// Whether the service is on this machine for sure.
bool IsLoopback(const std::string& target);

}  // namespace hongyan::client
