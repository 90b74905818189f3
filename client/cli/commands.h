// `hongyan send text`, `send template`, `user get` and `user batch`.
//
// Contract: each returns the program's exit code, prints its result on `console.out` and why it
//           failed on `console.err`.
// Threads:  one.
#pragma once

#include "client/cli/command_line.h"
#include "client/cli/console.h"
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

}  // namespace hongyan::cli
