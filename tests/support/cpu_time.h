// How long several ways of doing the same take beside each other, in processor time of this thread.
//
// For tests that compare them: absolute times are another machine's. The ways take turns, and of
// each only its quickest turn counts, so that what else the machine does falls out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <functional>
#include <limits>
#include <vector>

namespace hongyan::support {

inline double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds of one call, for each of `ways`. A turn is `calls` of them, and should take longer than
// some microseconds.
inline std::vector<double> QuickestTurns(const std::vector<std::function<void()>>& ways, int turns,
                                         int calls) {
  std::vector<double> quickest(ways.size(), std::numeric_limits<double>::max());
  for (int turn = 0; turn < turns; ++turn) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const double begun = CpuSeconds();
      for (int call = 0; call < calls; ++call) ways[i]();
      quickest[i] = std::min(quickest[i], (CpuSeconds() - begun) / calls);
    }
  }
  return quickest;
}

// Whether the slowest of `ways` takes less than `times` as long as the quickest. A busy machine
// makes equal ways look different, so it is measured again, up to sixty times, until it is so.
// Choose ways whose difference would be several times the bound: a smaller one can get lost in the
// noise of one of sixty measurements. The sanitizers' own work differs from way to way, so there
// twice as much is allowed.
inline bool TakeTheSame(const std::vector<std::function<void()>>& ways, double times, int turns,
                        int calls) {
#ifdef HONGYAN_SANITIZED
  times *= 2;
#endif
  for (int attempt = 0; attempt < 60; ++attempt) {
    const std::vector<double> took = QuickestTurns(ways, turns, calls);
    const auto [least, most] = std::minmax_element(took.begin(), took.end());
    if (*most < times * *least) return true;
  }
  return false;
}

}  // namespace hongyan::support
