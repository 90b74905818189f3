#include "server/core/age_clock.h"

namespace hongyan::core {

absl::Time JudgeTime(storage::AgeClock& clock, absl::Time now, absl::Duration ran) {
  const absl::Time expected = clock.believed + ran;
  const bool first = clock.believed == absl::InfinitePast();
  if (first || now - expected <= kLeap) {
    clock = {now, std::nullopt, absl::ZeroDuration()};
    return now;
  }
  const bool same_leap = clock.doubted && absl::AbsDuration(now - (*clock.doubted + ran)) <= kLeap;
  clock.doubted_for = same_leap ? clock.doubted_for + ran : absl::ZeroDuration();
  clock.doubted = now;
  clock.believed = expected;
  if (clock.doubted_for >= kAgreement) clock = {now, std::nullopt, absl::ZeroDuration()};
  return clock.believed;
}

}  // namespace hongyan::core
