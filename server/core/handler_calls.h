// The calls to one account's event handler: once for each event, in time for WeChat, and what
// becomes of late answers.
//
// Contract: Arrive() is asked when a push comes in, before it is recorded; Answer() afterwards,
//           with what storage said. The first arrival that was recorded starts the call. Whoever
//           asks meanwhile waits for it, and whoever asks later gets the same reply, for kMemory.
//           An event that storage knows from before this process began is not handled again.
//           Answer() ends `timeout` after the push was received at the latest; from then on that
//           event's answer is none, and a text that the handler still gives within `late_within`
//           goes out as a customer-service message, once.
// Errors:   none: whatever goes wrong is no reply, counted and logged with the request's id,
//           without contents.
// Bounds:   kMaxCalls on their way, late ones included; kMaxRemembered events. Beyond the first,
//           and where all of the second are on their way: no reply, counted. Else the oldest reply
//           is forgotten, and logged.
// Threads:  event loop only.
// Lifetime: all it is given outlives it; Drain() before it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task_group.h"
#include "server/async/wait_list.h"
#include "server/base/metrics.h"
#include "server/core/event_handler.h"
#include "server/core/push_type.h"
#include "server/core/sender.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::core {

struct HandlerOptions {
  std::vector<std::string> on;  // IsOn(); empty: whatever comes
  absl::Duration timeout = absl::Seconds(4);
  absl::Duration late_within;  // zero: late answers are lost
};

class HandlerCalls {
 private:
  struct Entry;

 public:
  static constexpr std::size_t kMaxCalls = 256;
  static constexpr std::size_t kMaxRemembered = 4096;
  // WeChat pushes an event up to four times within 20 s.
  static constexpr absl::Duration kMemory = absl::Seconds(30);

  // An event's place here, held from before it is recorded.
  struct Arrival {
    std::shared_ptr<Entry> entry;  // null: no place was free
    bool first = false;            // in this process
  };

  HandlerCalls(Account& account, HandlerOptions options, EventHandler& handler, Sender& sender,
               async::Executor executor, async::Clock& clock, base::Metrics& metrics)
      : account_(account),
        options_(std::move(options)),
        handler_(handler),
        sender_(sender),
        clock_(clock),
        metrics_(metrics),
        calls_(executor, clock, kMaxCalls) {}

  bool Wants(const PushClass& push) const;
  Arrival Arrive(const std::string& dedup_key);
  // `repeated`: storage had it already. `received`: when the push came in.
  async::Task<std::optional<Reply>> Answer(Arrival arrival, bool repeated, model::StoredEvent event,
                                           async::MonoTime received);

  // From now on every event's answer is none, also of those that wait for it. Calls go on.
  void ReleasePushes();
  // Until no call is on its way, cancelling at `until` those that are, which then have a second.
  async::Task<void> Drain(async::MonoTime until);

  std::size_t remembered() const { return entries_.size(); }

 private:
  enum class State { kArrived, kCalling, kSettled };
  struct Entry {
    Entry(async::Clock& clock, std::string k, async::MonoTime t)
        : key(std::move(k)), arrived(t), settled(clock) {}
    const std::string key;
    const async::MonoTime arrived;
    State state = State::kArrived;
    std::optional<Reply> reply;
    async::WaitList settled;
  };
  using Order = std::list<std::shared_ptr<Entry>>;

  bool MakeRoom();
  void Forget(Order::iterator it);
  // Logs, once a minute, how many replies were evicted before kMemory was over.
  void NoteForgotten();
  void Begin(const std::shared_ptr<Entry>& entry, model::StoredEvent event,
             async::MonoTime received);
  async::Task<void> Call(std::shared_ptr<Entry> entry, model::StoredEvent event,
                         std::string request_id, async::MonoTime received);
  static void Settle(Entry& entry, std::optional<Reply> reply);
  // Says how it ended.
  async::Task<absl::string_view> SendLate(std::string openid, std::int64_t cursor, Reply reply);

  Account& account_;
  const HandlerOptions options_;
  EventHandler& handler_;
  Sender& sender_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  async::TaskGroup calls_;
  bool released_ = false;
  std::int64_t forgotten_ = 0;  // replies, since the last log line
  std::optional<async::MonoTime> logged_at_;
  Order order_;  // oldest first
  absl::flat_hash_map<std::string, Order::iterator> entries_;
};

// Drain() of all of them beside each other.
async::Task<void> DrainHandlers(std::vector<HandlerCalls*> handlers, async::MonoTime until,
                                async::Executor executor, async::Clock& clock);

}  // namespace hongyan::core
