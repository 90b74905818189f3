#include "client/cli/progress_bar.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hongyan::cli {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr int kLongestBar = 40;

}  // namespace

std::string RenderBar(const BarState& state, absl::Duration elapsed, int columns) {
  const double part =
      state.total == 0 ? 1.0 : static_cast<double>(state.done) / static_cast<double>(state.total);
  std::string figures =
      absl::StrFormat("  %d/%d  %d%%", state.done, state.total, static_cast<int>(part * 100));
  if (state.troubled > 0) absl::StrAppendFormat(&figures, "  %d not accepted", state.troubled);
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (state.done > state.before && seconds > 0) {
    const double rate = static_cast<double>(state.done - state.before) / seconds;
    const auto left =
        static_cast<std::int64_t>(static_cast<double>(state.total - state.done) / rate);
    absl::StrAppendFormat(&figures, "  %.0f/s  %d:%02d left", rate, left / 60, left % 60);
  }
  // Two brackets, and a column that stays free so that the terminal doesn't wrap.
  const std::string label = state.label;
  const int available = columns - static_cast<int>(label.size() + figures.size()) - 3;
  const int length = std::min(kLongestBar, available);
  if (length < 5) return figures.substr(2, std::max(columns - 1, 0));
  const int full = static_cast<int>(part * length);
  return absl::StrCat(label, "[", std::string(full, '#'), std::string(length - full, '.'), "]",
                      figures);
}

void ProgressBar::Update(const BarState& state, absl::Time now) {
  if (!enabled_ || (now - last_ < kRedraw && state.done != state.total)) return;
  last_ = now;
  shown_ = true;
  out_ << "\r\033[K" << RenderBar(state, now - start_, columns_) << std::flush;
}

void ProgressBar::Clear() {
  if (!shown_) return;
  shown_ = false;
  last_ = absl::InfinitePast();
  out_ << "\r\033[K" << std::flush;
}

}  // namespace hongyan::cli
