#include "server/core/replay_guard.h"

#include <openssl/sha.h>

#include <algorithm>

namespace hongyan::core {

ReplayGuard::Verdict ReplayGuard::Look(const std::string& key, const Digest& body, absl::Time now) {
  Forget(now);
  const auto it = entries_.find(ComputeDigest(key));
  if (it == entries_.end() || it->second.expires <= now) return Verdict::kNew;
  return it->second.body == body ? Verdict::kRepeat : Verdict::kReplay;
}

void ReplayGuard::Remember(const std::string& key, const Digest& body, absl::Time expires) {
  const Digest digest = ComputeDigest(key);
  const auto [it, inserted] = entries_.insert_or_assign(digest, Entry{body, expires});
  if (!inserted) return;
  order_.push_back(digest);
  if (entries_.size() <= capacity_) return;
  entries_.erase(order_.front());
  order_.pop_front();
  ++evictions_;
}

// Expiry follows the sender's timestamps, so the order is only nearly that of expiry; what is stuck
// behind a younger entry goes a little later.
void ReplayGuard::Forget(absl::Time now) {
  while (!order_.empty()) {
    const auto it = entries_.find(order_.front());
    if (it->second.expires > now) break;
    entries_.erase(it);
    order_.pop_front();
  }
}

ReplayGuard::Digest ReplayGuard::ComputeDigest(absl::string_view body) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> whole;
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), whole.data());
  Digest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace hongyan::core
