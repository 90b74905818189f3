// How many calls of a kind may run at once, where that is less than grpc.max_in_flight: each of
// them holds megabytes, or lasts for days.
//
// Threads:  event loop only.          Lifetime: outlives the calls that have a place.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace hongyan::api {

class Places {
 public:
  // `refusal`, `chinese`: what OVERLOADED says when there is none. `changed` is told each new
  // count.
  Places(int max, std::string refusal, std::string chinese, std::function<void(int)> changed = {})
      : max_(max),
        refusal_(std::move(refusal)),
        chinese_(std::move(chinese)),
        changed_(std::move(changed)) {}

  // RESOURCE_EXHAUSTED OVERLOADED when there is none.
  absl::Status Take();
  void GiveBack();

 private:
  void Set(int taken);

  const int max_;
  const std::string refusal_;
  const std::string chinese_;
  const std::function<void(int)> changed_;
  int taken_ = 0;
};

}  // namespace hongyan::api
