#include "server/endpoints/admin/storage_metrics.h"

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "server/endpoints/admin/metric_text.h"

namespace hongyan::endpoints {

std::string StorageMetricsText(const storage::StorageStats& stats) {
  std::string out;
  const auto append = [&out](const char* name, const char* type, const char* help,
                             std::int64_t value) {
    AppendMetric(name, type, help, std::optional(value), out);
  };
  append("hongyan_storage_commits_total", "counter", "Transactions.", stats.commits);
  append("hongyan_storage_writes_total", "counter", "Writes that were committed.", stats.writes);
  append("hongyan_storage_reads_total", "counter", "Reads.", stats.reads);
  append("hongyan_storage_failures_total", "counter", "Writes and reads that failed.",
         stats.failed);
  append(
      "hongyan_storage_reopened_total", "counter",
      "Connections after an input/output error, or after the file was moved, removed or replaced.",
      stats.reopened);
  append("hongyan_storage_failed_probes_total", "counter",
         "Probes of a storage that had failed, which found it still failing.", stats.failed_looks);
  append("hongyan_storage_damaged_events_total", "counter",
         "Events that were read and whose checksum was wrong, each once.", stats.damaged);
  append("hongyan_storage_lost_events_total", "counter",
         "Events found missing when the file was opened.", stats.lost_events);
  AppendMetric("hongyan_storage_oldest_write_seconds", "gauge",
               "How long the oldest write that isn't on the disk has been waiting.",
               std::optional(absl::ToDoubleSeconds(stats.oldest_write)), out);
  return out;
}

}  // namespace hongyan::endpoints
