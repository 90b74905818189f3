// How single values are written: whole numbers, durations, sizes.
//
// Errors:  nullopt for anything else, and for what doesn't fit.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::config {

// "4096", "-1". No sign "+", no leading zeros, no other base.
std::optional<std::int64_t> ParseInteger(absl::string_view text);

// A whole number and its unit: "250ms", "5s", "10m", "1h", "30d". Never negative.
std::optional<absl::Duration> ParseDuration(absl::string_view text);

// Bytes: "65536", "64KiB", "4MiB", "1GiB". Never negative.
std::optional<std::int64_t> ParseSize(absl::string_view text);

}  // namespace hongyan::config
