// The files of certificates and keys that gRPC wants as text.
//
// Errors:  kFailedPrecondition names the file that can't be read or is empty.
// Threads: any; blocks, so at start only.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace hongyan::endpoints {

absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace hongyan::endpoints
