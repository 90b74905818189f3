// From what the file says to what the rooms get: ranges, defaults, and the rules between keys.
//
// Contract: each function fills its part of `settings` with what is right and reports what is not; the rest keeps its
//           default, so that every problem can be told in one go.
// Source:   the configuration chapter of the public contract; protos/hongyan/v1/config.proto.
// Threads:  one.
#pragma once

#include "hongyan/v1/config.pb.h"
#include "server/config/environment.h"
#include "server/config/findings.h"
#include "server/config/settings.h"

namespace hongyan::config {

// Everything but the accounts.
void CheckService(const v1::Config& config, const Environment& environment, Findings& findings,
                  Settings& settings);

void CheckAccounts(const v1::Config& config, const Environment& environment, Findings& findings,
                   Settings& settings);

// The answers to users of the account at `path`: its `replies` and its `handler`.
void CheckReplies(const std::string& path, const v1::AccountConfig& account, Findings& findings,
                  AccountSettings& settings);
void CheckHandler(const std::string& path, const v1::AccountConfig& account,
                  const Environment& environment, Findings& findings, AccountSettings& settings);

}  // namespace hongyan::config
