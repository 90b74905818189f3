// What a google.protobuf.Timestamp can hold, in seconds since 1970: the years 1 to 9999.
#pragma once

#include <cstdint>

namespace hongyan::base {

inline constexpr std::int64_t kFirstTimestampSecond = -62135596800;
inline constexpr std::int64_t kLastTimestampSecond = 253402300799;

}  // namespace hongyan::base
