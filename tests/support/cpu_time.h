// How long several ways of doing the same take beside each other, in processor time of this thread.
//
// For tests that compare them: absolute times are another machine's. The ways take turns, and of each only its quickest
// turn counts, so that what else the machine does falls out.
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

// Seconds of one call, for each of `ways`. A turn is `calls` of them, and should take longer than some microseconds.
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

// The slowest by the quickest.
inline double Spread(const std::vector<double>& times) {
  return *std::max_element(times.begin(), times.end()) /
         *std::min_element(times.begin(), times.end());
}

}  // namespace hongyan::support
