#include "server/base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

namespace hongyan::base {
namespace {

// How many letters must be added, dropped or changed to make `a` into `b`.
std::size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<absl::string_view> NearestWord(absl::string_view typed,
                                             const std::vector<absl::string_view>& known) {
  absl::string_view best;
  std::size_t nearest = std::numeric_limits<std::size_t>::max();
  for (const absl::string_view word : known) {
    if (typed.size() > 2 * word.size()) continue;
    const std::size_t distance = Distance(typed, word);
    if (distance < nearest) {
      nearest = distance;
      best = word;
    }
  }
  if (nearest >= best.size() || nearest > std::max<std::size_t>(2, best.size() / 3)) {
    return std::nullopt;
  }
  return best;
}

}  // namespace hongyan::base
