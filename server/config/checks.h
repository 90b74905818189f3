// The rules between keys, and those that need files or more than one account. The rules of single
// keys are in config.proto.
//
// Contract: reports what is wrong, fills in what follows from other keys, and leaves the rest
//           alone.
// Threads:  one.
#pragma once

#include "server/config/environment.h"
#include "server/config/findings.h"
#include "server/config/settings.h"

namespace hongyan::config {

// Everything but the accounts.
void CheckService(const Environment& environment, Findings& findings, Settings& settings);

void CheckAccounts(const Environment& environment, Findings& findings, Settings& settings);

}  // namespace hongyan::config
