// Why a command line was refused, in our own words instead of CLI11's.
//
// Contract: the sentence says what is wrong and where to read on. CLI11's texts are not read: which
//           argument it is follows from the grammar, from what was parsed and from the arguments.
//           Commands that belong to the program and that this version lacks come with a later one,
//           and it says so. The value of an option is quoted only where a check of ours refused it:
//           others may be secrets.
// Errors:   none; the answer is INVALID_ARGUMENT, see problem.h.
// Threads:  plain function, any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace hongyan::cli {

// `grammar` has parsed `args` and thrown `error`. `refused_value` is what a check of ours said.
absl::Status UsageProblem(const CLI::ParseError& error, const absl::Status& refused_value,
                          const CLI::App& grammar, const std::vector<std::string>& args);

// OK: as far as the arguments name commands, there are such.
absl::Status UnknownCommand(const CLI::App& grammar, const std::vector<std::string>& args);

}  // namespace hongyan::cli
