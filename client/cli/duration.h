// Durations as the configuration has them too: one number and one unit.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::cli {

// "250ms", "5s", "10m", "1h", "30d"; at most 36500 days. nullopt: no such thing.
std::optional<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace hongyan::cli
