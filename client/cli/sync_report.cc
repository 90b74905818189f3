#include "client/cli/sync_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "client/cli/error_text.h"
#include "client/cli/json_line.h"

namespace hongyan::cli {
namespace {

constexpr Wording kProgress = {"listed $0 of $1, profiles $2", "已列出 $0/$1，已有资料 $2"};
constexpr Wording kSummary = {
    "$0 followers: $1 listed, $2 with profile, $3 found to have left; took $4",
    "共 $0 位关注者：已列出 $1，已有资料 $2，发现已取消关注 $3；用时 $4"};
constexpr Wording kUnreadable = {"; $0 entries of WeChat's answers could not be read",
                                 "；微信的应答中有 $0 条无法识别"};
constexpr Wording kBroken = {"the import broke off ($0), going on after $1",
                             "导入中断：$0；$1 后自动继续"};
constexpr Wording kStopped = {
    "stopped half way; what was imported stays ($0 of $1 listed), and the next `hongyan subscriber "
    "sync` does the rest",
    "导入中途停止；已导入的内容（已列出 $0/$1）会保留，再次执行 `hongyan subscriber sync` "
    "即可完成其余部分"};
constexpr Wording kNotBegun = {"stopped; `hongyan subscriber sync` goes on later",
                               "已停止；稍后可再次执行 `hongyan subscriber sync` 继续"};

}  // namespace

void SyncReport::Draw(std::optional<Phase>& phase, std::int64_t done, const char* label,
                      absl::Time now) {
  if (!phase.has_value()) {
    phase.emplace(Phase{ProgressBar(console_.err, console_.columns, true, now), done});
  }
  BarState state;
  state.done = std::min(done, last_->total());
  state.total = last_->total();
  state.before = phase->before;
  state.label = label;
  phase->bar.Update(state, now);
}

void SyncReport::Progress(const v1::SyncSubscribersResponse& progress, absl::Time now) {
  last_ = progress;
  if (form_ == OutputForm::kJson) {
    Emit(console_, JsonLine(progress));
    return;
  }
  if (progress.has_finish_time()) return;
  if (!console_.err_is_terminal) {
    console_.err << absl::Substitute(kProgress.In(console_.language), progress.listed(),
                                     progress.total(), progress.fetched())
                 << "\n"
                 << std::flush;
    return;
  }
  if (progress.fetched() == 0) {
    Draw(list_, progress.listed(), "list ", now);
  } else {
    Draw(profiles_, progress.fetched(), "profiles ", now);
  }
}

void SyncReport::Pause() {
  if (list_.has_value()) list_->bar.Clear();
  if (profiles_.has_value()) profiles_->bar.Clear();
}

void SyncReport::Broke(const absl::Status& why, absl::Duration pause) {
  Pause();
  const std::string reason = ShortErrorText(client::Describe(why), console_.language);
  console_.err << absl::StrCat("hongyan: ",
                               absl::Substitute(kBroken.In(console_.language), reason,
                                                absl::FormatDuration(pause)),
                               "\n")
               << std::flush;
}

void SyncReport::Summary() {
  Pause();
  if (form_ == OutputForm::kJson || !last_.has_value()) return;
  const absl::Duration took =
      absl::Seconds(last_->finish_time().seconds()) - absl::Seconds(last_->start_time().seconds());
  Emit(console_,
       absl::StrCat(absl::Substitute(kSummary.In(console_.language), last_->total(),
                                     last_->listed(), last_->fetched(), last_->departed(),
                                     absl::FormatDuration(std::max(took, absl::ZeroDuration()))),
                    last_->unreadable() == 0
                        ? ""
                        : absl::Substitute(kUnreadable.In(console_.language), last_->unreadable()),
                    "\n"));
}

void SyncReport::Stopped() {
  Pause();
  console_.err << "hongyan: ";
  if (last_.has_value()) {
    console_.err << absl::Substitute(kStopped.In(console_.language), last_->listed(),
                                     last_->total());
  } else {
    console_.err << kNotBegun.In(console_.language);
  }
  console_.err << "\n" << std::flush;
}

}  // namespace hongyan::cli
