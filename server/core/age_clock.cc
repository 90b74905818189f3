#include "server/core/age_clock.h"

namespace hongyan::core {

absl::Time JudgeTime(storage::AgeClock& clock, absl::Time now, absl::Duration ran,
                     absl::Duration leap) {
  const absl::Time expected = clock.believed + ran;
  const bool first = clock.believed == absl::InfinitePast();
  if (first || now - expected <= leap) {
    clock = {now, std::nullopt, absl::ZeroDuration()};
    return now;
  }
  // By a whole day, whatever `leap` is: a service that is off every night agrees with itself all
  // the same.
  const bool same_leap = clock.doubted && absl::AbsDuration(now - (*clock.doubted + ran)) <= kLeap;
  clock.doubted_for = same_leap ? clock.doubted_for + ran : absl::ZeroDuration();
  clock.doubted = now;
  clock.believed = expected;
  if (clock.doubted_for >= kAgreement) clock = {now, std::nullopt, absl::ZeroDuration()};
  return clock.believed;
}

}  // namespace hongyan::core
