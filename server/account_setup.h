// Accounts as the configuration has them: what belongs to each, made from its settings.
//
// Errors:   none but ConnectHandlers'; the configuration has been checked, and its checks are as
//           strict.
// Threads:  any.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/config/settings.h"
#include "server/core/account_policy.h"
#include "server/core/handler_calls.h"
#include "server/endpoints/handler/handler_client.h"

namespace hongyan {

using HandlerClients = std::map<std::string, std::unique_ptr<endpoints::HandlerClient>>;

std::shared_ptr<const core::AccountPolicy> MakePolicy(const v1::AccountConfig& account);

// One for each account that has a handler, by the account's name. kFailedPrecondition names a file
// that can't be read.
absl::StatusOr<HandlerClients> ConnectHandlers(const config::Settings& settings,
                                               async::Executor executor);

// Of an account that has one.
core::HandlerOptions MakeHandlerOptions(const v1::AccountConfig& account);

}  // namespace hongyan
