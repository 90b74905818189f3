// What the commands that read from the service have in common.
//
// Threads:  plain functions, any thread.
#pragma once

#include "absl/status/status.h"
#include "client/cli/command_line.h"
#include "client/cli/console.h"
#include "client/cli/language.h"
#include "hongyan_client/client.h"

namespace hongyan::cli {

client::CallOptions ToOptions(const GlobalArgs& global);

// Says on standard error why the call `what` failed, and answers kExitFailed.
int FailRead(const absl::Status& status, const Wording& what, const GlobalArgs& global,
             Console& console);

}  // namespace hongyan::cli
