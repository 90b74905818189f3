// The accounts of the callback door and of the intake behind it, made from the configuration.
//
// Contract: both lists hold the accounts that have a callback, in the same order.
// Errors:   none; the configuration has been checked, and its checks are as strict.
// Threads:  any.
#pragma once

#include <vector>

#include "server/config/settings.h"
#include "server/core/event_intake.h"
#include "server/doors/callback.h"

namespace hongyan {

std::vector<doors::CallbackAccount> CallbackAccounts(const config::Settings& settings);

std::vector<core::IntakeAccount> IntakeAccounts(const config::Settings& settings);

}  // namespace hongyan
