// What `send batch` shows: a line for each result, the bar, the summary.
//
// Contract: on a terminal a bar on standard error and a line for each notification that wasn't
//           accepted; elsewhere a line for each result; with -o json an object for each result and
//           one for the summary. Files that came into being are named at the end, with what to do
//           with them.
// Threads:  one.
// Lifetime: `console` outlives it.
#pragma once

#include <cstdint>
#include <string>

#include "client/cli/console.h"
#include "client/cli/global_args.h"
#include "client/cli/progress_bar.h"
#include "hongyan/v1/notify.pb.h"

namespace hongyan::cli {

struct BatchCounts {
  std::int64_t notifications = 0;  // lines that are to hold one
  std::int64_t accepted = 0;
  std::int64_t failed = 0;  // the bad lines too
  std::int64_t unknown = 0;
  std::int64_t finished_before = 0;      // skipped by --resume
  std::int64_t not_accepted_before = 0;  // of these, those that ended otherwise than accepted

  std::int64_t done() const { return accepted + failed + unknown + finished_before; }
  std::int64_t not_sent() const { return notifications - done(); }
  bool all_well() const { return failed + unknown + not_sent() + not_accepted_before == 0; }
};

struct BatchFiles {
  std::string failed;
  std::string unknown;
  std::string progress;  // empty: none is kept
};

class BatchReport {
 public:
  BatchReport(Console& console, OutputForm form, absl::Time start);

  void Result(std::int64_t line, const v1::Delivery& delivery, const BatchCounts& counts);
  // After each call.
  void Chunk(const BatchCounts& counts);
  // Takes the bar away; before anything else is written.
  void Pause() { bar_.Clear(); }
  void Summary(const BatchCounts& counts, const BatchFiles& files);

 private:
  void Hints(const BatchCounts& counts, const BatchFiles& files);

  Console& console_;
  OutputForm form_;
  std::int64_t told_ = 0;  // of 500, where there is no bar
  ProgressBar bar_;
};

}  // namespace hongyan::cli
