// The commands but `send batch`, which has a header of its own.
//
// Contract: each returns the program's exit code, prints its result on `console.out` and why it
//           failed on `console.err`. `signal` ends those that last.
// Threads:  one.
// Lifetime: nothing is kept.
#pragma once

#include "client/cli/command_line.h"
#include "client/cli/console.h"
#include "client/cli/interrupt.h"
#include "hongyan_client/client.h"

namespace hongyan::cli {

int RunSendText(client::Client& client, const GlobalArgs& global, const SendTextArgs& args,
                Console& console);
int RunSendTemplate(client::Client& client, const GlobalArgs& global, const SendTemplateArgs& args,
                    Console& console);
int RunUserGet(client::Client& client, const GlobalArgs& global, const UserGetArgs& args,
               Console& console);
int RunUserBatch(client::Client& client, const GlobalArgs& global, const UserBatchArgs& args,
                 Console& console);
int RunSubscriberGet(client::Client& client, const GlobalArgs& global,
                     const SubscriberGetArgs& args, Console& console);
int RunSubscriberList(client::Client& client, const GlobalArgs& global,
                      const SubscriberListArgs& args, Console& console);
int RunSubscriberSync(client::Client& client, const GlobalArgs& global,
                      const SubscriberSyncArgs& args, Console& console, StopSignal& signal);
int RunEventList(client::Client& client, const GlobalArgs& global, const EventListArgs& args,
                 Console& console);
int RunEventWatch(client::Client& client, const GlobalArgs& global, const EventWatchArgs& args,
                  Console& console, StopSignal& signal);

}  // namespace hongyan::cli
