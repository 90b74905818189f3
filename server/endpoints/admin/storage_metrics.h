// What the storage has done, for /metrics: hongyan_storage_*.
#pragma once

#include <vector>

#include "server/base/metrics.h"
#include "server/storage/storage_thread.h"

namespace hongyan::endpoints {

std::vector<base::Figure> StorageFigures(const storage::StorageStats& stats);

}  // namespace hongyan::endpoints
