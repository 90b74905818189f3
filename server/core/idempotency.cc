#include "server/core/idempotency.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/digest.h"
#include "server/base/status.h"

namespace hongyan::core {
namespace {

constexpr absl::Duration kRemember = absl::Hours(24);

// What twins and later callers get: the deadline that ended the first call was not theirs.
Delivery ForOthers(Delivery result) {
  if (absl::IsDeadlineExceeded(result.error)) {
    result.error = base::WithCode(result.error, absl::StatusCode::kUnknown);
  }
  return result;
}

std::string NameOf(const std::string& account, const std::string& key) {
  return absl::StrCat(account, "\n", key);
}

}  // namespace

async::Task<Idempotency::Claimed> Idempotency::Claim(std::string account, std::string key,
                                                     std::string fingerprint,
                                                     async::MonoTime deadline) {
  const std::string name = NameOf(account, key);
  while (true) {
    const async::MonoTime now = clock_.Mono();
    const auto it = entries_.find(name);
    if (it == entries_.end()) {
      if (!MakeRoom(now)) co_return Claimed{Verdict::kFull, {}};
      order_.push_back(std::make_shared<Entry>(clock_, name, std::move(fingerprint), now));
      entries_.emplace(name, std::prev(order_.end()));
      co_return Claimed{Verdict::kMine, {}};
    }
    const std::shared_ptr<Entry> entry = *it->second;
    if (entry->result && async::Between(entry->first_used, now) >= kRemember) {
      order_.erase(it->second);
      entries_.erase(it);
      continue;
    }
    if (entry->fingerprint != fingerprint) co_return Claimed{Verdict::kReused, {}};
    if (entry->result) co_return Claimed{Verdict::kDone, entry->result};
    const auto woken = co_await entry->settled.Wait(deadline);
    if (woken == async::WaitList::Woken::kDeadline) co_return Claimed{Verdict::kDeadline, {}};
    if (woken == async::WaitList::Woken::kCancelled) co_return Claimed{Verdict::kCancelled, {}};
    // The key may have made room for another before this twin ran; its answer is the first one's all the same.
    if (entry->result) co_return Claimed{Verdict::kDone, entry->result};
  }
}

bool Idempotency::StandsForAnother(const std::string& account, const std::string& key,
                                   const std::string& fingerprint) const {
  const auto it = entries_.find(NameOf(account, key));
  if (it == entries_.end()) return false;
  const Entry& entry = **it->second;
  const bool over = entry.result && async::Between(entry.first_used, clock_.Mono()) >= kRemember;
  return !over && entry.fingerprint != fingerprint;
}

void Idempotency::Settle(const std::string& account, const std::string& key,
                         const Delivery& result) {
  const auto it = entries_.find(NameOf(account, key));
  if (it == entries_.end()) return;
  const std::shared_ptr<Entry> entry = *it->second;
  if (UsesKeyUp(result)) {
    entry->result = ForOthers(result);
  } else {
    order_.erase(it->second);
    entries_.erase(it);
  }
  entry->settled.NotifyAll();
}

bool Idempotency::MakeRoom(async::MonoTime now) {
  while (!order_.empty() && order_.front()->result &&
         (entries_.size() >= max_keys_ ||
          async::Between(order_.front()->first_used, now) >= kRemember)) {
    entries_.erase(order_.front()->name);
    order_.pop_front();
  }
  if (entries_.size() < max_keys_) return true;
  // The oldest is still in flight; any settled one will do.
  for (auto it = order_.begin(); it != order_.end(); ++it) {
    if (!(*it)->result) continue;
    entries_.erase((*it)->name);
    order_.erase(it);
    return true;
  }
  return false;
}

bool UsesKeyUp(const Delivery& delivery) {
  if (delivery.state == DeliveryState::kAccepted || delivery.state == DeliveryState::kUnknown) {
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
  const std::string reason = base::ReasonOf(delivery.error);
  if (reason == base::ReasonName(base::Reason::kAccountConfig) ||
      reason == base::ReasonName(base::Reason::kApiUnauthorized)) {
    return false;
  }
  return delivery.attempts > 0;  // what we refused ourselves was no use
}

std::string Fingerprint(const Notification& notification) {
  base::PartsDigest digest;
  digest.Add(notification.unionid ? "unionid" : "openid");
  digest.Add(notification.unionid ? *notification.unionid : notification.openid);
  if (const auto* text = std::get_if<wechat::TextMessage>(&notification.body)) {
    digest.Add("text");
    digest.Add(text->content);
    digest.Add(text->kf_account);
  } else {
    const auto& message = std::get<wechat::TemplateMessage>(notification.body);
    digest.Add("template");
    digest.Add(message.template_id);
    digest.Add(message.url);
    digest.Add(message.mini_program_app_id);
    digest.Add(message.mini_program_page_path);
    for (const auto& [key, value] : message.data) {
      digest.Add(key);
      digest.Add(value);
    }
  }
  return digest.Bytes();
}

}  // namespace hongyan::core
