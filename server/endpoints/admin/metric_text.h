// One metric in the Prometheus text format, for figures that are read when asked rather than counted as they happen.
//
// Threads: any; pure.
// Source:  https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace hongyan::endpoints {

// Nothing for a value that isn't there. `type`: counter or gauge.
template <typename T>
void AppendMetric(const char* name, const char* type, const char* help,
                  const std::optional<T>& value, std::string& out) {
  if (!value) return;
  absl::StrAppend(&out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", name, " ");
  if constexpr (std::is_same_v<T, double>) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f", *value);
    absl::StrAppend(&out, text, "\n");
  } else {
    absl::StrAppend(&out, *value, "\n");
  }
}

}  // namespace hongyan::endpoints
