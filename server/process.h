// What concerns the process as a whole: limits, signals, environment. For main.cc alone.
//
// Threads: main thread, before any other is started, but for the waits.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace hongyan {

// Raises the soft limit of open files to the hard one and returns it.
std::uint64_t RaiseFileLimit();

// No core dumps, no SIGPIPE, no key log of TLS sessions.
void HardenProcess();

// Takes SIGTERM, SIGINT and SIGHUP out of every thread's way; from here on only Wait sees them.
void BlockSignals();

// The signal that came, or nothing after `timeout`.
std::optional<int> WaitForSignal(absl::Duration timeout);

}  // namespace hongyan
