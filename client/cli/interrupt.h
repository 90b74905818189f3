// Ctrl-C during a command that lasts: first finish what is on its way, then give up, then die.
//
// Contract: while an InterruptWatcher lives, the first SIGINT or SIGTERM sets StopSignal::stop, the
//           second cancels what is in flight, the third ends the process with exit code 1. With
//           OnSignal::kCancel the first one cancels too, and the second ends. Signals that the
//           process ignored stay ignored. A reader who closes the pipe at `output` sets
//           StopSignal::reader_left and cancels.
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
  // Whoever read what we write has left.
  std::atomic<bool> reader_left = false;
  // Give up waiting for what has begun.
  client::Canceller canceller;
};

enum class OnSignal {
  kFinish,  // a send: cancelling it would leave its outcome unknown
  kCancel,  // a stream that loses nothing
};

class InterruptWatcher {
 public:
  // `output`: a descriptor, or -1.
  InterruptWatcher(StopSignal& signal, Language language, OnSignal on_signal = OnSignal::kFinish,
                   int output = -1);
  ~InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;

 private:
  void Watch();

  StopSignal& signal_;
  Language language_;
  OnSignal on_signal_;
  int output_;
  sigset_t watched_ = {};
  sigset_t before_ = {};
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace hongyan::cli
