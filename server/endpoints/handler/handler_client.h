// Calls one account's EventHandlerService, the user's own microservice. The proto has the contract.
//
// Contract: one unary call for each Handle(), never a second one by itself. A target that can't be
//           reached fails at once; gRPC tries to reach it again, at growing intervals of up to five
//           seconds. The metadata has x-request-id and nothing that is secret.
// Errors:   those of core::EventHandler. Create: kFailedPrecondition names a file that can't be
//           read.
// Bounds:   an answer of kMaxAnswer bytes; a channel, which has one connection for each of the
//           target's addresses.
// Threads:  event loop only; gRPC's threads post into it.
// Lifetime: all calls have ended before it is destroyed.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/async/task.h"
#include "server/core/event_handler.h"

namespace hongyan::endpoints {

struct HandlerTarget {
  std::string target;
  bool tls = false;
  std::string ca_file;    // empty: the system's authorities
  std::string cert_file;  // empty: none is shown
  std::string key_file;
};

class HandlerClient final : public core::EventHandler {
 public:
  static constexpr std::size_t kMaxAnswer = 64u << 10;

  static absl::StatusOr<std::unique_ptr<HandlerClient>> Create(const HandlerTarget& target,
                                                               async::Executor executor);

  async::Task<absl::StatusOr<std::optional<core::Reply>>> Handle(model::StoredEvent event,
                                                                 std::string request_id,
                                                                 absl::Duration time_left) override;

 private:
  HandlerClient(std::shared_ptr<grpc::Channel> channel, async::Executor executor)
      : executor_(executor), stub_(std::move(channel)) {}

  async::Executor executor_;
  grpc::GenericStub stub_;
};

}  // namespace hongyan::endpoints
