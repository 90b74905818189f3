// What the loader may see of the world: variables, files, the clock, the terminal.
//
// Contract: tests fill the members in themselves; SystemEnvironment() is the process's own world.
// Errors:   read_file answers with the reason alone ("is a directory"), so that the caller can name
//           the file.
// Threads:  one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace hongyan::config {

struct File {
  std::string content;
  bool others_may_read = false;  // by its permissions
  bool is_pipe = false;          // so it can be read only once
};

struct Environment {
  // nullopt: not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // A whole regular file or pipe. What is larger than `max_bytes` is refused before its content is
  // read, and a pipe's writer is waited for ten seconds at most.
  std::function<absl::StatusOr<File>(const std::string& path, std::size_t max_bytes)> read_file;
  absl::Time now = absl::InfinitePast();  // to look at certificates' dates with
  bool on_terminal = false;               // standard output is one
};

Environment SystemEnvironment();

}  // namespace hongyan::config
