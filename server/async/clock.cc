#include "server/async/clock.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include "absl/time/clock.h"
#include "server/async/event_loop.h"

namespace hongyan::async {
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

class SystemAlarm final : public Alarm {
 public:
  explicit SystemAlarm(EventLoop& loop) : timer_(loop.context()) {}

  Task<bool> WaitUntil(MonoTime when) override {
    const bool cancelled = co_await Cancelled();
    if (cancelled) co_return false;
    timer_.expires_at(when);
    const auto [error] = co_await timer_.async_wait(asio::as_tuple(use_task));
    co_return !error;
  }

  void Cancel() override { timer_.cancel(); }

 private:
  Timer timer_;
};

}  // namespace

absl::Time SystemClock::Now() const { return absl::Now(); }

MonoTime SystemClock::Mono() const { return std::chrono::steady_clock::now(); }

std::unique_ptr<Alarm> SystemClock::NewAlarm() { return std::make_unique<SystemAlarm>(loop_); }

MonoTime After(MonoTime when, absl::Duration delay) {
  const absl::Duration until_end = Between(when, MonoTime::max());
  if (delay >= until_end) return MonoTime::max();
  return when + absl::ToChronoNanoseconds(delay);
}

absl::Duration Between(MonoTime from, MonoTime to) {
  return absl::Nanoseconds((to.time_since_epoch()).count()) -
         absl::Nanoseconds(from.time_since_epoch().count());
}

}  // namespace hongyan::async
