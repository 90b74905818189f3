// What `subscriber sync` shows: how far it is, and the summary.
//
// Contract: on a terminal a bar on standard error, first of the list, then of the profiles;
//           elsewhere a line there for each report. The summary goes to standard output. With -o
//           json each report, the last one too, is an object on standard output and nothing else
//           is. Breaks have their line on standard error in each form.
// Threads:  one.
// Lifetime: `console` outlives it.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cli/console.h"
#include "client/cli/global_args.h"
#include "client/cli/progress_bar.h"
#include "hongyan/v1/subscriber.pb.h"

namespace hongyan::cli {

class SyncReport {
 public:
  SyncReport(Console& console, OutputForm form) : console_(console), form_(form) {}

  void Progress(const v1::SyncSubscribersResponse& progress, absl::Time now);

  // Takes the bar away, for other output.
  void Pause();

  // The connection broke, and the import goes on after `pause`.
  void Broke(const absl::Status& why, absl::Duration pause);

  // Of an import that came to its end.
  void Summary();

  // Of one that did not: what there is so far, and how to go on.
  void Stopped();

  // Whether the import has begun.
  bool begun() const { return last_.has_value(); }

 private:
  // A bar with the count that it began with.
  struct Phase {
    ProgressBar bar;
    std::int64_t before;
  };

  void Draw(std::optional<Phase>& phase, std::int64_t done, const char* label, absl::Time now);

  Console& console_;
  OutputForm form_;
  std::optional<v1::SyncSubscribersResponse> last_;
  std::optional<Phase> list_;
  std::optional<Phase> profiles_;
};

}  // namespace hongyan::cli
