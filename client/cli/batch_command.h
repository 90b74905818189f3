// `hongyan send batch`.
//
// Contract: a line that can't be sent fails alone, before the first call: it is reported, counted
//           and kept like one that WeChat refused. An earlier run that did not finish is neither repeated nor forgotten
//           without --resume or --restart. Exit code 0: every line was accepted.
// Threads:  one.
#pragma once

#include "client/cli/command_line.h"
#include "client/cli/console.h"
#include "client/cli/interrupt.h"
#include "hongyan_client/client.h"

namespace hongyan::cli {

int RunSendBatch(client::Client& client, const GlobalArgs& global, const SendBatchArgs& args,
                 Console& console, StopSignal& signal);

}  // namespace hongyan::cli
