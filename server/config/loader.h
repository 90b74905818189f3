// Reads the configuration file: YAML → proto → checked Settings.
//
// Contract: every problem is told, each with its line and the path of its key; with one, the
//           settings must not be used. Warnings don't stop a start. Neither ever shows a secret.
//           Nothing but `environment` is asked.
// Errors:   in LoadResult::problems, a file that can't be read too.
// Bounds:   1 MiB of file, and the bounds of yaml_file.h and substitution.h.
// Threads:  any.
// Source:   docs/configuration.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/config/environment.h"
#include "server/config/findings.h"
#include "server/config/settings.h"

namespace hongyan::config {

struct LoadResult {
  Settings settings;
  std::vector<Problem> problems;  // by line
  std::vector<Problem> warnings;
};

LoadResult Load(const std::string& file, const Environment& environment);

// Whether `limit` descriptors are enough for all connections that may be open
// at once, with 128 to spare for listeners, gRPC's connections and files. Too
// few would let a flood of callbacks end the gRPC listener.
std::optional<Problem> CheckFileLimit(const Settings& settings, std::uint64_t limit);

// One line for people: "FILE:LINE: KIND: accounts[0].app_secret: is required".
std::string Format(const std::string& file, const Problem& problem, absl::string_view kind);

}  // namespace hongyan::config
