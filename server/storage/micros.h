// Times as the tables have them: microseconds since 1970 (UTC), 0 for none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace hongyan::storage {

// Within ±200 000 years, which leaves room to add to it.
inline long long Micros(absl::Time time) {
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  return std::clamp<std::int64_t>(absl::ToUnixMicros(time), -kFar, kFar);
}
inline long long Micros(const std::optional<absl::Time>& time) { return time ? Micros(*time) : 0; }

inline absl::Time ToTime(long long micros) { return absl::FromUnixMicros(micros); }
inline std::optional<absl::Time> ToOptionalTime(long long micros) {
  if (micros == 0) return std::nullopt;
  return absl::FromUnixMicros(micros);
}

}  // namespace hongyan::storage
