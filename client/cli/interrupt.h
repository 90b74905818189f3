// Ctrl-C during a batch: first finish what is on its way, then give up, then die.
//
// Contract: while an InterruptWatcher lives, the first SIGINT or SIGTERM sets StopSignal::stop, the
//           second cancels the call in flight, the third ends the process with exit code 1. Signals
//           that the process ignored stay ignored.
// Threads:  make it before any other thread, since threads inherit their signal mask; one at a
//           time.
// Lifetime: `signal` and `language` outlive it.
#pragma once

#include <signal.h>

#include <atomic>
#include <thread>

#include "client/cli/language.h"
#include "hongyan_client/canceller.h"

namespace hongyan::cli {

struct StopSignal {
  // Begin nothing new.
  std::atomic<bool> stop = false;
  // Give up waiting for what has begun.
  client::Canceller canceller;
};

class InterruptWatcher {
 public:
  InterruptWatcher(StopSignal& signal, Language language);
  ~InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;

 private:
  void Watch();

  StopSignal& signal_;
  Language language_;
  sigset_t watched_ = {};
  sigset_t before_ = {};
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace hongyan::cli
