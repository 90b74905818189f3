#include "client/cli/duration.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace hongyan::cli {
namespace {

constexpr std::int64_t kMaxDays = 36500;

}  // namespace

std::optional<absl::Duration> ParseDuration(absl::string_view text) {
  const auto* end = std::find_if_not(text.begin(), text.end(),
                                     [](unsigned char c) { return absl::ascii_isdigit(c); });
  const absl::string_view digits = text.substr(0, end - text.begin());
  const absl::string_view unit = text.substr(digits.size());
  std::int64_t number = 0;
  if ((digits.size() > 1 && digits[0] == '0') || !absl::SimpleAtoi(digits, &number)) {
    return std::nullopt;
  }
  const std::pair<absl::string_view, absl::Duration> units[] = {{"ms", absl::Milliseconds(1)},
                                                                {"s", absl::Seconds(1)},
                                                                {"m", absl::Minutes(1)},
                                                                {"h", absl::Hours(1)},
                                                                {"d", absl::Hours(24)}};
  for (const auto& [name, length] : units) {
    if (unit != name) continue;
    const absl::Duration duration = number * length;
    if (duration > absl::Hours(24 * kMaxDays)) return std::nullopt;
    return duration;
  }
  return std::nullopt;
}

}  // namespace hongyan::cli
