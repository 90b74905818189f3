// When a stream that broke is resumed, and after which wait: the one place that decides for all
// calls that last.
//
// Contract: before the service has answered once, every error ends it. Afterwards those breaks are
//           resumed that MayResume() names, and at most `max_breaks` in a row without progress.
//           Waits double from kFirstPause to kLongestPause and begin anew with each progress; the
//           service's RetryInfo lengthens them, up to kLongestPause too.
// Threads:  one.
#pragma once

#include <limits>
#include <optional>

#include "absl/time/time.h"
#include "hongyan_client/error.h"

namespace hongyan::client {

inline constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
inline constexpr absl::Duration kLongestPause = absl::Seconds(5);

// Whether a stream that ended so is worth resuming: the connection was lost, the service stops or
// has no place at present, or it cut a slow reader off.
bool MayResume(const Error& error);

class Resumption {
 public:
  explicit Resumption(int max_breaks = std::numeric_limits<int>::max()) : max_breaks_(max_breaks) {}

  // The service has answered.
  void Answered() { answered_ = true; }

  // The stream got further, so it has answered too.
  void Progressed();

  // How long to wait before going on after a break by `error`; nullopt: report it.
  std::optional<absl::Duration> PauseAfter(const Error& error);

 private:
  int max_breaks_;
  bool answered_ = false;
  int breaks_ = 0;
  absl::Duration next_pause_ = kFirstPause;
};

}  // namespace hongyan::client
