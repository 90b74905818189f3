// Why a command line was refused.
//
// Contract: the sentence says what is wrong and where to read on. It is CLI11's, but for those that
//           many meet: commands and options that there aren't, and arguments that are missing or
//           too many. Commands that belong to the program and that this version lacks come with a
//           later one, and it says so. The value of an option that there isn't is not quoted: it
//           may be a secret.
// Errors:   none; the answer is INVALID_ARGUMENT, see problem.h.
// Threads:  plain functions, any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace hongyan::cli {

// `app` has parsed `args` and thrown `error`. `refused`: what a check of ours said.
absl::Status UsageProblem(const CLI::ParseError& error, const absl::Status& refused,
                          const CLI::App& app, const std::vector<std::string>& args);

// OK: as far as the arguments of `app` name commands, there are such.
absl::Status UnknownCommand(const CLI::App& app, const std::vector<std::string>& args);

}  // namespace hongyan::cli
