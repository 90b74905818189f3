// Times as people type them.
//
// Threads:  plain functions, any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::cli {

// One number and one unit, as in the configuration: "250ms", "5s", "10m", "1h", "30d"; at most
// 36500 days. nullopt: no such thing.
std::optional<absl::Duration> ParseDuration(absl::string_view text);

// RFC 3339, a date with or without a time of `zone`, or a duration before `now`; what a Timestamp
// can hold. INVALID_ARGUMENT with a sentence for the person who typed, see problem.h.
absl::StatusOr<absl::Time> ParseMoment(const std::string& text, absl::Time now,
                                       absl::TimeZone zone);

}  // namespace hongyan::cli
