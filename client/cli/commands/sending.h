// What the commands that send one message have in common.
//
// Contract: `Request` and `Response` are those of a unary send of NotifyService.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "client/cli/command.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/session.h"

namespace hongyan::cli {

template <typename Request>
void AddSendOptions(Command& command, const std::shared_ptr<Request>& request) {
  command.AddOption(
      "--idempotency-key", "KEY", *request->mutable_idempotency_key(),
      {"A repeat with the same key sends nothing again", "带同一个键重复执行，不会再次发送"});
  command.AddFlag("--validate-only", [request] { request->set_validate_only(true); },
                  {"Check everything and send nothing", "只检查，不发送"});
}

// Prints what became of `what`.
template <typename Response>
int ShowSent(Session& session, const Wording& what, const absl::StatusOr<Response>& response) {
  if (!response.ok()) return session.Fail(what, response.status(), Operation::kSend);
  const v1::Delivery& delivery = response->delivery();
  session.console.out << (session.json() ? JsonLine(delivery)
                                         : DeliveryTable(delivery, session.console.zone));
  return kExitOk;
}

}  // namespace hongyan::cli
