// The standard process_* metrics, read from /proc/self when asked.
//
// Contract: what can't be read is left out. Reading /proc does not wait for a disk, so the loop may
//           do it.
// Source:   https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/base/metrics.h"

namespace hongyan::endpoints {

struct ProcessFacts {
  std::optional<double> cpu_seconds;
  std::optional<double> start_time_seconds;  // Unix time
  std::optional<std::int64_t> virtual_memory_bytes;
  std::optional<std::int64_t> resident_memory_bytes;
  std::optional<std::int64_t> open_fds;
  std::optional<std::int64_t> max_fds;
};

ProcessFacts ReadProcessFacts();

std::vector<base::Figure> ProcessFigures(const ProcessFacts& facts);

}  // namespace hongyan::endpoints
