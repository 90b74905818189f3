// What a command has while it runs.
//
// Threads:  one, that of the command.
// Lifetime: what it refers to outlives it.
#pragma once

#include "absl/status/status.h"
#include "client/cli/console.h"
#include "client/cli/global_args.h"
#include "client/cli/interrupt.h"
#include "client/cli/language.h"
#include "client/cli/remedies.h"
#include "hongyan_client/client.h"

namespace hongyan::cli {

struct Session {
  client::Client& client;
  const GlobalArgs& global;
  Console& console;
  // Ends the commands that last.
  StopSignal& signal;

  bool json() const { return global.output == OutputForm::kJson; }

  // For each of the command's calls.
  client::CallOptions options() const;

  // Says on standard error why `what` failed. Returns kExitUsage where the service refused what the
  // arguments said, else kExitFailed.
  int Fail(const Wording& what, const absl::Status& status,
           Operation operation = Operation::kRead) const;
};

}  // namespace hongyan::cli
