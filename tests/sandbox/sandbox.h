// Everything one sandbox process holds, without its network.
// Threads: event loop only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "faults.h"
#include "ledger.h"
#include "platform.h"
#include "push_ledger.h"

namespace hongyan::sandbox {

struct ApiCounts {
  int64_t requests = 0;
  int64_t refused = 0;
  int64_t counted = 0;
  int64_t faults = 0;
};

struct Counters {
  std::map<std::string, ApiCounts> by_api;
  int64_t requests = 0;
  int64_t in_flight = 0;
  int64_t in_flight_peak = 0;
  int64_t connections_total = 0;
  int64_t connections_open = 0;
  int64_t connections_peak = 0;
  int64_t connections_refused = 0;
  // Offences against the strict rules; a good client leaves all of them at 0.
  int64_t chunked_bodies = 0;
  int64_t missing_lengths = 0;
  int64_t unicode_escapes = 0;
  int64_t expect_headers = 0;
  int64_t malformed_http = 0;
  int64_t too_large_bodies = 0;
  // Answers to pushes with HTTP 200 that are neither success, nor empty, nor a valid reply.
  int64_t wrong_callback_replies = 0;
};

struct Sandbox {
  Platform platform;
  Ledger ledger;
  PushLedger pushes;
  FaultBook faults;
  Counters counters;
  // Fills the platform as the command line and the configuration file want it.
  std::function<void(Platform&)> set_up;

  // Numbers garbage, over resets too: no two pieces are alike.
  int64_t garbage_sent = 0;

  // Counts resets: what a request began before one has no effect after it.
  int64_t epoch = 0;

  void Reset() {
    ++epoch;
    platform.Clear();
    platform.clock.Reset();
    ledger.Clear();
    pushes.Clear();
    faults.Clear();
    Counters fresh;
    fresh.connections_open = counters.connections_open;
    fresh.in_flight = counters.in_flight;
    counters = fresh;
    set_up(platform);
  }
};

}  // namespace hongyan::sandbox
