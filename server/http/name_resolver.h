// Looks up the addresses of hosts, once for the whole process.
//
// Contract: at most one look-up of a host goes on at a time, and all who ask share what it brings.
//           An answer is used for 30 s. An older one is used too, while a new look-up goes on
//           behind it; when it is older than 5 min the caller gives that look-up 100 ms. As long as
//           look-ups fail the last good answer is used: without end, but for one hour only of
//           nothing but "no such name", said three times at least. A failure is told from memory
//           for a second. Look-ups are getaddrinfo's, so /etc/hosts and nsswitch.conf hold, and
//           IPv6 and IPv4 come in its order. Each has a thread of its own, for nothing can end it:
//           one that hangs is left alone, also at the process's end, and counts as lost after 2
//           min. The first failure in a row and the first success after it are logged.
// Bounds:   16 look-ups at once, lost ones included; 16 addresses of a host. Hosts are not bounded:
//           they come from the configuration.
// Threads:  event loop only.
// Lifetime: `loop` and `clock` outlive it, every Resolve has ended before it is destroyed. Look-ups
//           may outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"
#include "server/async/wait_list.h"

namespace hongyan::http {

class NameResolver {
 public:
  // In the order in which they are to be tried, as text: 192.0.2.1, 2001:db8::1.
  using Addresses = std::vector<std::string>;
  // Finds the addresses of a host, on any thread, and may block as long as it likes. NOT_FOUND:
  // there is no such name.
  using LookUp = std::function<absl::StatusOr<Addresses>(const std::string& host)>;

  struct Answer {
    enum class Kind {
      kFound,
      kFailed,     // the look-up ended without an address
      kSlow,       // it has gone on for longer than the caller's patience
      kDeadline,   // the caller's deadline passed first
      kCancelled,  // the calling task was cancelled
    };
    Kind kind = Kind::kFailed;
    std::shared_ptr<const Addresses> addresses;  // kFound only; never empty
    std::string problem;                         // kFailed only
  };

  NameResolver(async::EventLoop& loop, async::Clock& clock);
  NameResolver(async::EventLoop& loop, async::Clock& clock, LookUp look_up);
  ~NameResolver();
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  // The addresses of `host`, a name in lower case. Without any in hand it waits for the look-up
  // until `deadline`, but not once that has gone on for `patience`, whoever began it.
  async::Task<Answer> Resolve(std::string host, async::MonoTime deadline,
                              std::chrono::nanoseconds patience);

  // Nobody could be connected to at the addresses of `host`: its next use begins a look-up, if the
  // last is 5 s ago.
  void Doubt(const std::string& host);

 private:
  struct Mailbox;
  struct Host {
    explicit Host(async::Clock& clock) : ended(clock) {}
    std::shared_ptr<const Addresses> addresses;  // of the last good answer; null before the first
    async::MonoTime found_at{};
    std::uint64_t found_by = 0;  // number of the look-up
    async::MonoTime fresh_until{};
    bool looking = false;
    std::uint64_t look_up = 0;  // number of the last one
    async::MonoTime begun{};
    absl::Status error;  // of the last one that ended; OK when it found something
    async::MonoTime failed_at{};
    int absent = 0;                  // how often in a row it was "no such name"
    async::MonoTime absent_since{};  // the first of these
    bool in_trouble = false;         // has been logged
    async::WaitList ended;
  };

  Host& FindHost(const std::string& name);
  static bool Usable(const Host& host, async::MonoTime now);
  void BeginIfDue(const std::string& name, Host& host);
  void OnEnded(const std::string& name, std::uint64_t look_up, absl::StatusOr<Addresses> found);
  void LogTrouble(const std::string& name, Host& host, absl::string_view problem);

  async::EventLoop& loop_;
  async::Clock& clock_;
  LookUp look_up_;
  std::shared_ptr<Mailbox> mailbox_;
  absl::flat_hash_map<std::string, std::unique_ptr<Host>> hosts_;
};

}  // namespace hongyan::http
