#include "server/endpoints/grpc/grpc_metrics.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/endpoints/admin/metric_text.h"

namespace hongyan::endpoints {
namespace {

void AppendCounter(const char* name, const char* help, const char* label,
                   std::initializer_list<std::pair<const char*, std::int64_t>> series,
                   std::string& out) {
  absl::StrAppend(&out, "# HELP ", name, " ", help, "\n# TYPE ", name, " counter\n");
  for (const auto& [value, count] : series) {
    absl::StrAppend(&out, name, "{", label, "=\"", value, "\"} ", count, "\n");
  }
}

}  // namespace

std::string GrpcMetricsText(const AcceptorCounts& connections, const SelfProbeCounts& probes) {
  std::string out;
  AppendMetric("hongyan_grpc_connections", "gauge", "Open connections of the gRPC listener.",
               std::optional(connections.open), out);
  AppendCounter("hongyan_grpc_connections_refused_total",
                "Connections of the gRPC listener that were closed for want of room, or because "
                "they said nothing.",
                "reason",
                {{"over_limit", connections.over_limit},
                 {"over_address_limit", connections.over_address_limit},
                 {"silent", connections.silent},
                 {"no_descriptor", connections.no_descriptor}},
                out);
  AppendCounter("hongyan_grpc_self_probes_total",
                "Connections of this process to its own gRPC port, by outcome.", "outcome",
                {{"answered", probes.answered}, {"failed", probes.failed}}, out);
  return out;
}

}  // namespace hongyan::endpoints
