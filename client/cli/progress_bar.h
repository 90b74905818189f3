// A progress bar on a terminal's line.
//
// Contract: Update() redraws at most ten times a second; Clear() gives the line back, for other
//           output or for good.
// Threads:  one.
// Lifetime: `out` outlives it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace hongyan::cli {

struct BarState {
  std::int64_t done = 0;
  std::int64_t total = 0;
  // Of `done`: failed or unknown.
  std::int64_t troubled = 0;
  // Of `done`: not of this run, so that it tells nothing about the rate.
  std::int64_t before = 0;
  // Printed in front; ASCII.
  const char* label = "";
};

// One line of less than `columns` columns: "[#####.....]  500/1000  50%  3 not accepted  120/s 0:04
// left".
std::string RenderBar(const BarState& state, absl::Duration elapsed, int columns);

class ProgressBar {
 public:
  ProgressBar(std::ostream& out, int columns, bool enabled, absl::Time start)
      : out_(out), columns_(columns), enabled_(enabled), start_(start) {}

  void Update(const BarState& state, absl::Time now);
  void Clear();

 private:
  std::ostream& out_;
  int columns_;
  bool enabled_;
  bool shown_ = false;
  absl::Time start_;
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace hongyan::cli
