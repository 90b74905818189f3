// The program `hongyan`, from its arguments to its exit code.
//
// Errors:   exit codes: 0 done, 1 the call or a send failed, 2 wrong usage. No token is ever
//           printed.
// Threads:  call it before other threads begin, so that Ctrl-C reaches a batch (see interrupt.h).
#pragma once

#include <string>
#include <vector>

#include "client/cli/console.h"
#include "client/cli/global_args.h"

namespace hongyan::cli {

// `args` without the program's name.
int Run(const std::vector<std::string>& args, const Environment& environment, Console& console);

}  // namespace hongyan::cli
