#include "client/cli/typed_time.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"

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

absl::StatusOr<absl::Time> ParseMoment(const std::string& text, absl::Time now,
                                       absl::TimeZone zone) {
  absl::Time time;
  std::string ignored;
  bool parsed = false;
  for (const char* form : {absl::RFC3339_full, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                           "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    parsed = parsed || absl::ParseTime(form, text, zone, &time, &ignored);
  }
  const std::optional<absl::Duration> ago = ParseDuration(text);
  if (!parsed && ago.has_value()) {
    time = now - *ago;
    parsed = true;
  }
  // What a Timestamp can hold, which leaves out the words for infinity too.
  if (!parsed || time < absl::FromUnixSeconds(-62135596800) ||
      time >= absl::FromUnixSeconds(253402300800)) {
    return Problem({"'$0' is no time like 2025-06-01T12:00:00+08:00, or 48h or 30d (so long ago)",
                    "“$0”不是 2025-06-01T12:00:00+08:00，或 48h、30d（多久以前）这样的时间"},
                   Printable(text));
  }
  return time;
}

}  // namespace hongyan::cli
