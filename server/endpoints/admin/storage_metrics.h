// What the storage has done, for /metrics.
#pragma once

#include <string>

#include "server/storage/storage_thread.h"

namespace hongyan::endpoints {

// hongyan_storage_*, in the Prometheus text format.
std::string StorageMetricsText(const storage::StorageStats& stats);

}  // namespace hongyan::endpoints
