#include "server/core/idempotency.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "server/base/digest.h"
#include "server/base/log.h"
#include "server/base/status.h"
#include "server/wechat/message_kind.h"

namespace hongyan::core {
namespace {

constexpr absl::Duration kRemember = absl::Hours(24);
constexpr absl::Duration kLogPause = absl::Minutes(1);
// Nodes of the list, of the map and of a map of labels, and what the allocator adds.
constexpr std::size_t kNodeBytes = 64;

// What twins and later callers get: the deadline that ended the first call was not theirs.
model::Delivery ForOthers(model::Delivery result) {
  if (absl::IsDeadlineExceeded(result.error)) {
    result.error = base::WithCode(result.error, absl::StatusCode::kUnknown);
  }
  return result;
}

// About what an error takes besides its status.
std::size_t CountBytes(const absl::Status& status) {
  std::size_t bytes = status.message().size();
  status.ForEachPayload([&bytes](absl::string_view url, const absl::Cord& payload) {
    bytes += url.size() + payload.size() + kNodeBytes;
  });
  return bytes;
}

std::size_t CountBytes(const model::Delivery& delivery) {
  std::size_t bytes = delivery.id.size() + delivery.account.size() + delivery.openid.size() +
                      delivery.idempotency_key.size() + CountBytes(delivery.error);
  for (const auto& [name, value] : delivery.labels) {
    bytes += sizeof(std::pair<std::string, std::string>) + name.size() + value.size() + kNodeBytes;
  }
  return bytes;
}

std::string JoinName(const std::string& account, const std::string& key) {
  return absl::StrCat(account, "\n", key);
}

}  // namespace

async::Task<Idempotency::Claimed> Idempotency::Claim(std::string account, std::string key,
                                                     std::string fingerprint,
                                                     async::MonoTime deadline) {
  const std::string name = JoinName(account, key);
  while (true) {
    const async::MonoTime now = clock_.Mono();
    const auto it = entries_.find(name);
    if (it == entries_.end()) {
      auto entry = std::make_shared<Entry>(clock_, name, std::move(fingerprint), now);
      if (!MakeRoom(CountEntryBytes(*entry), now)) co_return Claimed{Verdict::kFull, {}};
      Count(*entry);
      order_.push_back(std::move(entry));
      entries_.emplace(order_.back()->name, std::prev(order_.end()));
      co_return Claimed{Verdict::kMine, {}};
    }
    const std::shared_ptr<Entry> entry = *it->second;
    if (entry->result && async::Between(entry->first_used, now) >= kRemember) {
      Erase(it->second);
      continue;
    }
    if (entry->fingerprint != fingerprint) co_return Claimed{Verdict::kReused, {}};
    if (entry->result) co_return Claimed{Verdict::kDone, entry->result};
    const auto woken = co_await entry->settled.Wait(deadline);
    if (woken == async::WaitList::Woken::kDeadline) co_return Claimed{Verdict::kDeadline, {}};
    if (woken == async::WaitList::Woken::kCancelled) co_return Claimed{Verdict::kCancelled, {}};
    // The key may have been evicted before this twin ran; its answer is the first one's
    // all the same.
    if (entry->result) co_return Claimed{Verdict::kDone, entry->result};
  }
}

bool Idempotency::StandsForAnother(const std::string& account, const std::string& key,
                                   const std::string& fingerprint) const {
  const auto it = entries_.find(JoinName(account, key));
  if (it == entries_.end()) return false;
  const Entry& entry = **it->second;
  const bool over = entry.result && async::Between(entry.first_used, clock_.Mono()) >= kRemember;
  return !over && entry.fingerprint != fingerprint;
}

void Idempotency::Settle(const std::string& account, const std::string& key,
                         const model::Delivery& result) {
  const auto it = entries_.find(JoinName(account, key));
  if (it == entries_.end()) return;
  const std::shared_ptr<Entry> entry = *it->second;
  if (UsesKeyUp(result)) {
    entry->result = ForOthers(result);
    Count(*entry);
    const async::MonoTime now = clock_.Mono();
    while (bytes_ > bounds_.bytes && ForgetOldest(entry.get(), now)) {
    }
  } else {
    Erase(it->second);
  }
  entry->settled.NotifyAll();
}

bool Idempotency::MakeRoom(std::size_t bytes, async::MonoTime now) {
  const auto is_over = [now](const Entry& entry) {
    return entry.result && async::Between(entry.first_used, now) >= kRemember;
  };
  while (!order_.empty() && is_over(*order_.front())) Erase(order_.begin());
  while (entries_.size() >= bounds_.keys || bytes_ + bytes > bounds_.bytes) {
    if (!ForgetOldest(nullptr, now)) return false;
  }
  return true;
}

bool Idempotency::ForgetOldest(const Entry* kept, async::MonoTime now) {
  // Those before it are in flight, so there are only a few.
  const auto oldest = std::find_if(order_.begin(), order_.end(), [kept](const auto& entry) {
    return entry->result && entry.get() != kept;
  });
  if (oldest == order_.end()) return false;
  const bool time_is_over = async::Between((*oldest)->first_used, now) >= kRemember;
  Erase(oldest);
  if (!time_is_over) NoteForgotten(now);
  return true;
}

void Idempotency::Erase(Entries::iterator it) {
  bytes_ -= (*it)->bytes;
  entries_.erase((*it)->name);
  order_.erase(it);
}

std::size_t Idempotency::CountEntryBytes(const Entry& entry) {
  return sizeof(Entry) + 3 * kNodeBytes + entry.name.size() + entry.fingerprint.size() +
         (entry.result ? CountBytes(*entry.result) : 0);
}

void Idempotency::Count(Entry& entry) {
  bytes_ -= entry.bytes;
  entry.bytes = CountEntryBytes(entry);
  bytes_ += entry.bytes;
}

void Idempotency::NoteForgotten(async::MonoTime now) {
  metrics_.idempotency_keys_forgotten->Increment();
  ++forgotten_;
  if (logged_at_ && async::Between(*logged_at_, now) < kLogPause) return;
  base::Log(base::Level::kWarn,
            "idempotency keys forgotten before their 24 hours: a call repeated with one is sent "
            "again",
            {{"count", forgotten_},
             {"remembered", static_cast<std::int64_t>(entries_.size())},
             {"bytes", static_cast<std::int64_t>(bytes_)}});
  forgotten_ = 0;
  logged_at_ = now;
}

bool UsesKeyUp(const model::Delivery& delivery) {
  if (delivery.state == model::DeliveryState::kAccepted ||
      delivery.state == model::DeliveryState::kUnknown) {
    return true;
  }
  switch (delivery.error.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
      return false;
    default:
      break;
  }
  // An account gets repaired; then the same request works.
  if (base::Has(delivery.error, base::Reason::kAccountConfig) ||
      base::Has(delivery.error, base::Reason::kApiUnauthorized)) {
    return false;
  }
  return delivery.attempts > 0;  // what we refused ourselves was no use
}

std::string Fingerprint(const model::Notification& notification) {
  base::PartsDigest digest;
  digest.Add(notification.unionid ? "unionid" : "openid");
  digest.Add(notification.unionid ? *notification.unionid : notification.openid);
  digest.Add(wechat::GetTraits(notification.message.kind).name);
  digest.Add(notification.message.payload);
  return digest.Bytes();
}

}  // namespace hongyan::core
