// What concerns the process as a whole: descriptors, limits, signals, environment, and its end. For
// main.cc alone.
//
// Contract: a program that links this has its descriptors 0 to 2 open before anything else runs:
//           those that are closed lead to /dev/null. Otherwise the next file or connection would
//           get such a number, and whoever writes to standard error would write there.
// Threads: main thread, before any other is started.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/time/time.h"

namespace hongyan {

// Raises the soft limit of open files to the hard one and returns it.
std::uint64_t RaiseFileLimit();

// No core dumps, no SIGPIPE, no key log of TLS sessions.
void HardenProcess();

// SIGTERM, SIGINT and SIGHUP, taken by a thread of its own, so that they work whatever the other
// threads wait for.
//
// Contract: the first SIGTERM or SIGINT ends WaitForStop(). Another one ends the process at once
//           with code 1, unless it comes within kSameStop of the first: whoever signals a group of
//           processes may reach one of them twice.
// Bounds:   at its end the process waits kLastLine for its log.
// Threads:  the constructor on main, before other threads are started, for these inherit that the
//           signals are blocked; the rest any.
class SignalThread {
 public:
  static constexpr absl::Duration kSameStop = absl::Milliseconds(500);
  static constexpr absl::Duration kLastLine = absl::Milliseconds(200);

  SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;
  // Lifts the limit. The thread stays: the rest of the process' end may hang as well.
  ~SignalThread();

  void WaitForStop();
  // From now on the process has `limit` left. When that is over and it still runs it ends with code
  // 1.
  void EndWithin(absl::Duration limit);

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace hongyan
