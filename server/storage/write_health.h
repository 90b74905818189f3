// Whether the writes of the last seconds say that the storage is well.
//
// Contract: the storage is ill when kRuns transactions in a row had no success for one kind of
//           write, whatever the reason, or when kRuns in a row came late; it is well again after
//           kRuns good ones, or when nothing bad was noted for kForget. So one odd write among good
//           ones changes nothing, and good writes of one kind don't hide that another kind always
//           fails. What a caller's own mistake ends is no failure.
// Threads:  one. Pure: the time is handed in.
// Bounds:   one entry a kind.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace hongyan::storage {

// The status says that the storage failed, rather than that the caller asked for something that
// can't be.
bool IsFailure(const absl::Status& status);

class WriteHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr int kRuns = 3;
  static constexpr std::chrono::seconds kForget{10};

  // What became of the writes of one kind in one transaction. `kind`: an address that stands for
  // it.
  void NoteSuccess(const void* kind);
  void NoteFailure(const void* kind, const absl::Status& status, Time now);
  // One transaction, or a probe: it took longer than callers wait.
  void NoteLate(bool late, Time now);

  // Late transactions made the storage ill: it should be probed, for there may be no more writes.
  bool slow() const { return slow_.ill; }
  // OK, or UNAVAILABLE and why.
  absl::Status Verdict(Time now) const;

 private:
  struct Run {
    int bad = 0;
    int good = 0;
    bool ill = false;
    Time last_bad;
    std::string problem;

    void Good();
    void Bad(std::string what, Time now);
    bool IllAt(Time now) const { return ill && now - last_bad <= kForget; }
  };

  std::map<const void*, Run> kinds_;
  Run slow_;
};

}  // namespace hongyan::storage
