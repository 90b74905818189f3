#include "server/config/values.h"

#include <cstddef>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace hongyan::config {
namespace {

constexpr std::int64_t kMaxDays = 36500;

struct SizeUnit {
  absl::string_view name;
  std::int64_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {
    {"GiB", std::int64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};

struct TimeUnit {
  absl::string_view name;
  absl::Duration length;
};

// Splits "250ms" into its number and "ms".
bool Split(absl::string_view text, std::int64_t& number, absl::string_view& unit) {
  std::size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits])))
    ++digits;
  const auto value = ParseInteger(text.substr(0, digits));
  if (!value) return false;
  number = *value;
  unit = text.substr(digits);
  return true;
}

}  // namespace

std::optional<std::int64_t> ParseInteger(absl::string_view text) {
  absl::string_view digits = text;
  if (!digits.empty() && digits.front() == '-') digits.remove_prefix(1);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  for (const char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  std::int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

std::optional<absl::Duration> ParseDuration(absl::string_view text) {
  const TimeUnit units[] = {{"ms", absl::Milliseconds(1)},
                            {"s", absl::Seconds(1)},
                            {"m", absl::Minutes(1)},
                            {"h", absl::Hours(1)},
                            {"d", absl::Hours(24)}};
  std::int64_t number = 0;
  absl::string_view name;
  if (!Split(text, number, name)) return std::nullopt;
  for (const TimeUnit& unit : units) {
    if (name != unit.name) continue;
    const absl::Duration result = number * unit.length;
    if (result > absl::Hours(24 * kMaxDays)) return std::nullopt;
    return result;
  }
  return std::nullopt;
}

std::optional<std::int64_t> ParseSize(absl::string_view text) {
  std::int64_t number = 0;
  absl::string_view name;
  if (!Split(text, number, name)) return std::nullopt;
  if (name.empty()) return number;
  for (const SizeUnit& unit : kSizeUnits) {
    if (name != unit.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.bytes) return std::nullopt;
    return number * unit.bytes;
  }
  return std::nullopt;
}

}  // namespace hongyan::config
