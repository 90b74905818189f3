// Puts environment variables and files into string values.
//
// Contract: ${NAME} is a variable, ${file:PATH} a file's content without a byte-order mark and its
//           last line break; $${ is a literal ${. What was put in is never looked at again. Any
//           other $ is itself.
// Errors:   kInvalidArgument names the variable or file, and never shows a value.
// Bounds:   64 KiB a file and a result, 4 MiB for all values of one Substitution.
// Threads:  one.           Lifetime: `environment` outlives this object.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/config/environment.h"

namespace hongyan::config {

struct Substituted {
  std::string text;
  bool changed = false;  // something was put in
};

class Substitution {
 public:
  static constexpr std::size_t kMaxValue = 64 * 1024;
  static constexpr std::size_t kMaxTotal = 4 * 1024 * 1024;

  explicit Substitution(const Environment& environment) : environment_(environment) {}

  absl::StatusOr<Substituted> Apply(absl::string_view text);

 private:
  // What stands for the `name` between the braces.
  absl::StatusOr<std::string> Look(absl::string_view name);
  absl::StatusOr<std::string> LookFile(const std::string& path);

  const Environment& environment_;
  std::size_t total_ = 0;
};

}  // namespace hongyan::config
