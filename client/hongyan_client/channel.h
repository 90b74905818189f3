// The gRPC channel of a client.
//
// Contract: gRPC's own repeats and service configuration from DNS are off; loopback targets are
//           never reached through an HTTP proxy; a lost connection is tried again after 100 ms at
//           first and two seconds at most.
// Errors:   INVALID_ARGUMENT: options that don't fit together, or a file that can't be read. No
//           secret is in it. Error::plaintext_token marks the refusal that TLS mends.
#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hongyan_client/client.h"

namespace hongyan::client {

absl::Status CheckOptions(const Options& options);

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const Options& options);

}  // namespace hongyan::client
