// By which time it is judged what is old and may be removed.
//
// Contract: the wall clock decides, unless it has leapt: says it more than `leap` later than when
//           it was judged last, plus the running time since, then it is doubted, and the age of
//           things grows with the running time alone. It is believed once it has agreed with itself
//           for kAgreement of running time, over restarts too, so that a service that was really
//           off for that long removes what is old in the end. Going back is believed at once: it
//           removes less. So a clock that is wrong at a start, or for some hours, makes nothing
//           old. `leap` is a day, and half of the shortest retention where that is less: what has
//           just come never goes by one reading of the clock.
// Threads:  any; pure.
#pragma once

#include "absl/time/time.h"
#include "server/storage/age_clock_store.h"

namespace hongyan::core {

inline constexpr absl::Duration kLeap = absl::Hours(24);
inline constexpr absl::Duration kAgreement = absl::Hours(24);

// The time to judge by, which is also what `clock` then believes. `now`: the wall clock's; `ran`:
// the running time since this was last asked, zero after a start. `leap`: how far ahead is believed
// at once, at most kLeap.
absl::Time JudgeTime(storage::AgeClock& clock, absl::Time now, absl::Duration ran,
                     absl::Duration leap = kLeap);

}  // namespace hongyan::core
