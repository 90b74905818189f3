// The arguments of `hongyan`, as typed.
//
// Contract: options may stand before or after the command. Values are checked as far as that needs
//           no file and no service. HONGYAN_TARGET stands in for --target; HONGYAN_TOKEN is read
//           where the token is needed, so that no token is ever an argument that other users of the
//           machine can see.
// Errors:   a CommandLineEnd with exit code 2 and what was wrong on `err`, in JSON where -o json
//           asks for it; --help and --version, or `help` and `version`, end with 0. All of it is
//           Chinese in a Chinese locale.
// Threads:  plain functions, any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/global_args.h"

namespace hongyan::cli {

struct CommandLine {
  GlobalArgs global;
  Action action;
};

// Nothing to run.
struct CommandLineEnd {
  int exit_code = kExitOk;
  std::string out = {};
  std::string err = {};
};

// `args` without the program's name.
std::variant<CommandLine, CommandLineEnd> ParseCommandLine(const std::vector<std::string>& args,
                                                           const Environment& environment);

}  // namespace hongyan::cli
