// One idempotency_key, one send.
//
// Contract: Claim() says whether this call sends (kMine), has been done before (kDone, with the
//           first result), or conflicts (kReused: the key stood for another request). A twin in
//           flight is waited for. Whoever got kMine must Settle(): a result that no retry would
//           mend is remembered for 24 hours, another frees the key. The DEADLINE_EXCEEDED of the
//           first call's own deadline is remembered as UNKNOWN.
// Bounds:   100 000 keys and 128 MiB; the oldest settled one makes room, a key in flight never. One
//           that was forgotten before its 24 hours is counted, and a log line once a minute says
//           how many: a repeat would be sent again. In memory: not over a restart, not between
//           replicas.
// Threads:  event loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/async/clock.h"
#include "server/async/wait_list.h"
#include "server/base/metrics.h"
#include "server/model/delivery.h"

namespace hongyan::core {

class Idempotency {
 public:
  enum class Verdict { kMine, kDone, kReused, kFull, kDeadline, kCancelled };
  struct Claimed {
    Verdict verdict;
    std::optional<model::Delivery> first;  // kDone only
  };

  struct Bounds {
    std::size_t keys = 100000;
    std::size_t bytes = std::size_t{128} << 20;  // about what keys and results take
  };

  Idempotency(async::Clock& clock, base::Metrics& metrics) : Idempotency(clock, metrics, {}) {}
  Idempotency(async::Clock& clock, base::Metrics& metrics, Bounds bounds)
      : clock_(clock), metrics_(metrics), bounds_(bounds) {}

  async::Task<Claimed> Claim(std::string account, std::string key, std::string fingerprint,
                             async::MonoTime deadline);
  void Settle(const std::string& account, const std::string& key, const model::Delivery& result);

  // Whether Claim() would say kReused. Claims nothing.
  bool StandsForAnother(const std::string& account, const std::string& key,
                        const std::string& fingerprint) const;

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    const std::string name;
    std::string fingerprint;
    std::optional<model::Delivery> result;
    async::MonoTime first_used;
    async::WaitList settled;
    std::size_t bytes = 0;  // counted for it in bytes_
    Entry(async::Clock& clock, std::string n, std::string f, async::MonoTime now)
        : name(std::move(n)), fingerprint(std::move(f)), first_used(now), settled(clock) {}
  };
  using Entries = std::list<std::shared_ptr<Entry>>;  // oldest first
  // Room for one more entry of so many bytes. False: too much is in flight.
  bool MakeRoom(std::size_t bytes, async::MonoTime now);
  // Forgets the oldest settled entry, but not `kept`. False: there is none.
  bool ForgetOldest(const Entry* kept, async::MonoTime now);
  void Erase(Entries::iterator it);
  static std::size_t CountEntryBytes(const Entry& entry);
  // Makes bytes_ true after `entry` has changed.
  void Count(Entry& entry);
  void NoteForgotten(async::MonoTime now);

  async::Clock& clock_;
  base::Metrics& metrics_;
  Bounds bounds_;
  std::size_t bytes_ = 0;
  std::int64_t forgotten_ = 0;  // since the last log line
  std::optional<async::MonoTime> logged_at_;
  Entries order_;
  absl::flat_hash_map<absl::string_view, Entries::iterator> entries_;  // by Entry::name
};

// Whether a result is the key's last word: accepted, unknown, or WeChat's refusal of this very
// message, which no retry would mend.
bool UsesKeyUp(const model::Delivery& delivery);

// Equal for equal requests, whatever their key, labels and time limits: a twin gets the first
// one's.
std::string Fingerprint(const model::Notification& notification);

}  // namespace hongyan::core
