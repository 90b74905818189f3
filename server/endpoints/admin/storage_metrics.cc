#include "server/endpoints/admin/storage_metrics.h"

#include <cstdint>

#include "absl/time/time.h"

namespace hongyan::endpoints {

std::vector<base::Figure> StorageFigures(const storage::StorageStats& stats) {
  const auto total = [](const char* name, const char* help, std::int64_t value) {
    return base::Figure{name, help, static_cast<double>(value), true};
  };
  return {
      total("hongyan_storage_commits_total", "Transactions.", stats.commits),
      total("hongyan_storage_writes_total", "Writes that were committed.", stats.writes),
      total("hongyan_storage_reads_total", "Reads.", stats.reads),
      total("hongyan_storage_failures_total", "Writes and reads that failed.", stats.failed),
      total("hongyan_storage_reopened_total",
            "Connections after an input/output error, or after the file was moved, removed or "
            "replaced.",
            stats.reopened),
      total("hongyan_storage_failed_probes_total",
            "Probes of a storage that had failed, which found it still failing.",
            stats.failed_probes),
      total("hongyan_storage_damaged_events_total",
            "Events that were read and whose checksum was wrong, each once.", stats.damaged),
      total("hongyan_storage_lost_events_total", "Events found missing when the file was opened.",
            stats.lost_events),
      {"hongyan_storage_oldest_write_seconds",
       "How long the oldest write that isn't on the disk has been waiting.",
       absl::ToDoubleSeconds(stats.oldest_write)},
  };
}

}  // namespace hongyan::endpoints
