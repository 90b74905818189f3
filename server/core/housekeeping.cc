#include "server/core/housekeeping.h"

#include <algorithm>
#include <string>

#include "server/base/log.h"
#include "server/core/age_clock.h"

namespace hongyan::core {
namespace {

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// `judged`: what the age of things is judged by while the wall clock is doubted.
void LogClock(bool doubted, absl::Time wall, absl::Time judged) {
  if (doubted) {
    base::Log(base::Level::kWarn, "clock leapt ahead",
              {{"clock", Utc(wall)},
               {"judged_by", Utc(judged)},
               {"consequence",
                "nothing is removed for its age by this clock until it has held for a day of "
                "running; check the clock"}});
  } else {
    base::Log(base::Level::kInfo, "clock believed again", {{"clock", Utc(wall)}});
  }
}

}  // namespace

async::Task<void> Housekeeping::Run() {
  while (true) {
    const async::MonoTime until = async::After(clock_.Mono(), kHousekeepingLimit);
    co_await RemoveOld(until);
    const bool goes_on = co_await subscribers_.KeepUp(until);
    if (!goes_on) co_return;
    const auto alarm = clock_.NewAlarm();
    const bool time_came =
        co_await alarm->WaitUntil(async::After(clock_.Mono(), kHousekeepingEvery));
    if (!time_came) co_return;
  }
}

async::Task<void> Housekeeping::RemoveOld(async::MonoTime until) {
  const auto now = co_await TimeToJudgeBy(until);
  if (!now) co_return;
  const auto pruned = co_await events_.Prune(*now, retention_.events, until);
  if (!pruned.ok()) {
    base::Log(base::Level::kWarn, "old events not removed",
              {{"problem", pruned.status().message()}});
  } else if (pruned->events > 0 || pruned->keys > 0) {
    base::Log(base::Level::kInfo, "old events removed",
              {{"events", pruned->events}, {"keys", pruned->keys}});
  }
  const absl::Time left_before = *now - retention_.unsubscribed;
  const auto erased = co_await subscriber_rows_.ErasePersonal(left_before, clock_.Now(), until);
  if (!erased.ok() && !absl::IsCancelled(erased.status())) {
    base::Log(base::Level::kWarn, "personal fields not erased",
              {{"problem", erased.status().message()}});
  } else if (erased.ok() && *erased > 0) {
    base::Log(base::Level::kInfo, "personal fields erased", {{"people", *erased}});
  }
}

async::Task<std::optional<absl::Time>> Housekeeping::TimeToJudgeBy(async::MonoTime until) {
  if (!age_) {
    const auto loaded = co_await age_clock_.Load(until);
    if (!loaded.ok()) {
      if (!absl::IsCancelled(loaded.status())) {
        base::Log(base::Level::kWarn, "old events not removed",
                  {{"problem", loaded.status().message()}});
      }
      co_return std::nullopt;
    }
    age_ = *loaded;
  }
  const bool doubted = judged_at_ && age_->doubted;
  const async::MonoTime mono = clock_.Mono();
  const absl::Duration ran =
      judged_at_ ? absl::FromChrono(mono - *judged_at_) : absl::ZeroDuration();
  judged_at_ = mono;
  const absl::Time wall = clock_.Now();
  const absl::Duration leap = std::min({kLeap, retention_.events / 2, retention_.unsubscribed / 2});
  const absl::Time judged = JudgeTime(*age_, wall, ran, leap);
  if (age_->doubted.has_value() != doubted) LogClock(!doubted, wall, judged);
  // First, so that a doubt outlives the process.
  const absl::Status saved = co_await age_clock_.Save(*age_, until);
  if (saved.ok()) co_return judged;
  if (!absl::IsCancelled(saved)) {
    base::Log(base::Level::kWarn, "old events not removed", {{"problem", saved.message()}});
  }
  co_return std::nullopt;
}

}  // namespace hongyan::core
