// The accounts of the callback endpoint and of the intake behind it, and their handlers, made from the configuration.
//
// Contract: both lists hold the accounts that have a callback, in the same order.
// Errors:   none; the configuration has been checked, and its checks are as strict.
// Threads:  any.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/settings.h"
#include "server/core/event_intake.h"
#include "server/core/handler_calls.h"
#include "server/endpoints/callback/callback.h"
#include "server/endpoints/handler/handler_client.h"

namespace hongyan {

using HandlerClients = std::map<std::string, std::unique_ptr<endpoints::HandlerClient>>;
using Handlers = std::map<std::string, std::unique_ptr<core::HandlerCalls>>;

std::vector<endpoints::CallbackAccount> CallbackAccounts(const config::Settings& settings);

// The rest is made from what these have made before.
std::vector<core::IntakeAccount> IntakeAccounts(const config::Settings& settings,
                                                Handlers& handlers);

// One for each account that has a handler, by the account's name. kFailedPrecondition names a file that can't be read.
absl::StatusOr<HandlerClients> ConnectHandlers(const config::Settings& settings,
                                               async::Executor executor);
// None where there are no clients.
Handlers MakeHandlers(const config::Settings& settings,
                      const absl::StatusOr<HandlerClients>& clients, core::Sender& sender,
                      async::Executor executor, async::Clock& clock, base::Metrics& metrics);

}  // namespace hongyan
