#include "tests/support/fake_clock.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <vector>

namespace hongyan::support {

namespace asio = boost::asio;
using async::MonoTime;

// An Asio timer that never expires; firing and cancelling both end its wait.
class FakeAlarm final : public async::Alarm {
 public:
  explicit FakeAlarm(FakeClock& clock) : clock_(clock), timer_(clock.loop_.context()) {}
  ~FakeAlarm() override { clock_.waiting_.remove(this); }

  async::Task<bool> WaitUntil(MonoTime when) override {
    // A local first: GCC 12.2 lays out the frame wrongly of a body with a condition and no local
    // (its bug 106188).
    const bool cancelled = co_await async::Cancelled();
    if (cancelled) co_return false;
    if (when <= clock_.Mono()) {
      co_await asio::post(clock_.loop_.executor(), async::use_task);
      co_return true;
    }
    when_ = when;
    fired_ = false;
    timer_.expires_at(MonoTime::max());
    clock_.waiting_.push_back(this);
    co_await timer_.async_wait(asio::as_tuple(async::use_task));
    clock_.waiting_.remove(this);
    co_return fired_;
  }

  void Cancel() override { timer_.cancel(); }

  void Fire() {
    fired_ = true;
    timer_.cancel();
  }
  MonoTime when() const { return when_; }

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, async::Executor>;
  FakeClock& clock_;
  Timer timer_;
  MonoTime when_{};
  bool fired_ = false;
};

FakeClock::FakeClock(async::EventLoop& loop)
    : loop_(loop),
      mono_(std::chrono::hours(1000)),
      wall_(absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12, 0, 0), absl::UTCTimeZone())) {}

std::unique_ptr<async::Alarm> FakeClock::NewAlarm() { return std::make_unique<FakeAlarm>(*this); }

void FakeClock::Settle() {
  while (loop_.context().poll() > 0) {
  }
}

void FakeClock::Advance(absl::Duration step) {
  const MonoTime target = async::After(mono_, step);
  Settle();
  for (MonoTime next = NextAlarm(); next <= target; next = NextAlarm()) MoveTo(next);
  MoveTo(target);
}

bool FakeClock::AdvanceToNextAlarm() {
  Settle();
  const MonoTime next = NextAlarm();
  if (next == MonoTime::max()) return false;
  MoveTo(next);
  return true;
}

void FakeClock::MoveTo(MonoTime when) {
  if (when > mono_) {
    wall_ += async::Between(mono_, when);
    mono_ = when;
  }
  FireDue();
  Settle();
}

MonoTime FakeClock::NextAlarm() const {
  MonoTime next = MonoTime::max();
  for (const FakeAlarm* alarm : waiting_) next = std::min(next, alarm->when());
  return next;
}

void FakeClock::FireDue() {
  std::vector<FakeAlarm*> due;
  for (FakeAlarm* alarm : waiting_) {
    if (alarm->when() <= mono_) due.push_back(alarm);
  }
  for (FakeAlarm* alarm : due) {
    waiting_.remove(alarm);
    alarm->Fire();
  }
}

}  // namespace hongyan::support
