// Connects to our own gRPC port as a client would, to learn whether it still answers.
//
// Contract: Run() probes at once and then every `interval`, after a failure every `retry`. A probe
//           succeeds when gRPC has read what we sent and answered it within `limit`: in plain
//           HTTP/2 with the acknowledgement of our SETTINGS, under TLS with any answer to our
//           ClientHello, so it needs no certificate. ready() is an error once two probes in a row
//           have failed, so that one on a busy machine changes nothing; alive() once three in a row
//           have failed and none has succeeded for `dead_after`.
// Errors:   UNAVAILABLE, naming the address and the last reason.
// Threads:  event loop only.
// Lifetime: Stop() or a cancellation ends Run(), which ends before this object does.
// Source:   https://www.rfc-editor.org/rfc/rfc9113#section-3.4
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task.h"
#include "server/async/wait_list.h"

namespace hongyan::endpoints {

struct SelfProbeOptions {
  absl::Duration interval = absl::Seconds(10);
  absl::Duration retry = absl::Seconds(2);
  absl::Duration limit = absl::Seconds(5);
  absl::Duration dead_after = absl::Seconds(30);
};

struct SelfProbeCounts {
  std::int64_t answered = 0;
  std::int64_t failed = 0;
};

class SelfProbe {
 public:
  // `announce` is told our own port before each connection is made, and 0 after it.
  SelfProbe(async::Executor executor, async::Clock& clock,
            std::function<void(std::uint16_t)> announce, SelfProbeOptions options = {});
  SelfProbe(const SelfProbe&) = delete;
  SelfProbe& operator=(const SelfProbe&) = delete;
  ~SelfProbe();

  // `address` as the listener has it: 0.0.0.0 and [::] are probed on 127.0.0.1.
  async::Task<void> Run(std::string address, bool tls);
  // Waits for the first probe that succeeds. False: stopped or cancelled before.
  async::Task<bool> UntilAnswered();
  void Stop();

  absl::Status ready() const;
  absl::Status alive() const;
  SelfProbeCounts counts() const { return counts_; }

 private:
  struct Connection;

  async::Task<std::string> Probe(const std::string& address, const std::string& greeting, bool tls);
  async::Task<std::string> Talk(Connection& connection, const std::string& greeting, bool tls);

  const async::Executor executor_;
  async::Clock& clock_;
  const std::function<void(std::uint16_t)> announce_;
  const SelfProbeOptions options_;
  const std::unique_ptr<async::Alarm> pause_;
  async::WaitList answered_;
  bool stopped_ = false;
  int failures_ = 0;  // in a row
  async::MonoTime last_answer_;
  std::string problem_;
  SelfProbeCounts counts_;
};

}  // namespace hongyan::endpoints
