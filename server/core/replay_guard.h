// Remembers which body came under which signature, because a plain-mode signature does not cover
// the body.
//
// Contract: the first body under a signature is new, the same body again is WeChat's repeat,
//           another body is a replay of a captured URL. Entries are forgotten when they expire, and
//           with the process.
// Bounds:   at most `capacity` entries (about 7 MB at 65 536); then the oldest goes, and
//           evictions() counts it.
// Threads:  event loop only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::core {

class ReplayGuard {
 public:
  enum class Verdict { kNew, kRepeat, kReplay };
  using Digest = std::array<unsigned char, 16>;  // the first half of a SHA-256

  explicit ReplayGuard(std::size_t capacity = 65536) : capacity_(capacity) {}

  // What `body` is under `key` (account and signature). Remembers nothing.
  Verdict Look(const std::string& key, const Digest& body, absl::Time now);
  // Remembers `body` under `key` until `expires`.
  void Remember(const std::string& key, const Digest& body, absl::Time expires);

  std::size_t size() const { return entries_.size(); }
  std::int64_t evictions() const { return evictions_; }

  static Digest ComputeDigest(absl::string_view body);

 private:
  struct Entry {
    Digest body;
    absl::Time expires;
  };
  void Forget(absl::Time now);

  const std::size_t capacity_;
  // By the digests of the keys, which take less memory than the keys.
  absl::flat_hash_map<Digest, Entry> entries_;
  std::deque<Digest> order_;  // oldest first; exactly those of entries_
  std::int64_t evictions_ = 0;
};

}  // namespace hongyan::core
