#include "token_rules.h"

#include <algorithm>

namespace hongyan::sandbox {
namespace {

constexpr size_t kRememberedTokens = 10000;
constexpr std::string_view kAwkwardAlphabet = "ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789+/%&=#? ";

}  // namespace

// A life shorter than the overlap would mean a new token with each call; half the life is kept
// instead.
std::chrono::seconds TokenOffice::EffectiveOverlap() const {
  return std::min(rules_.overlap, rules_.lifetime / 2);
}

IssuedToken& TokenOffice::Issue(TokenFamily family) {
  const std::string_view alphabet = rules_.needs_escaping ? kAwkwardAlphabet : kUrlSafeAlphabet;
  const std::string prefix = family == TokenFamily::kClassic ? "91_" : "92_";
  const size_t rest = static_cast<size_t>(rules_.length) - prefix.size();
  std::string value = prefix + random_.Text(rest, alphabet);
  if (rules_.needs_escaping) value.replace(value.size() - 4, 4, "+/%=");
  const Time now = clock_.Now();
  order_.push_back(value);
  if (order_.size() > kRememberedTokens) {
    issued_.erase(order_.front());
    order_.pop_front();
  }
  CurrentValue(family) = value;
  ++(family == TokenFamily::kClassic ? counts_.classic_issued : counts_.stable_issued);
  return issued_[value] = IssuedToken{value, family, now, now + rules_.lifetime};
}

TokenGrant TokenOffice::Grant(const IssuedToken& token) const {
  // A fresh token says its full life, so the rest of a second counts as one.
  const auto left = std::chrono::ceil<std::chrono::seconds>(token.expires_at - clock_.Now());
  return TokenGrant{0, token.value, std::max<int64_t>(left.count(), 0)};
}

TokenGrant TokenOffice::TakeClassic() {
  if (IssuedToken* previous = MutableCurrent(TokenFamily::kClassic)) {
    const Time end = clock_.Now() + EffectiveOverlap();
    if (end < previous->expires_at) {
      previous->expires_at = end;
      previous->superseded = true;
    }
  }
  return Grant(Issue(TokenFamily::kClassic));
}

TokenGrant TokenOffice::TakeStable(bool force) {
  const Time now = clock_.Now();
  IssuedToken* current = MutableCurrent(TokenFamily::kStable);
  if (force) {
    while (!forced_.empty() && now - forced_.front() >= std::chrono::hours(24)) {
      forced_.pop_front();
    }
    const bool too_soon = !forced_.empty() && now - forced_.back() < rules_.forced_spacing;
    if (!too_soon) {
      if (static_cast<int64_t>(forced_.size()) >= rules_.forced_per_day) return {45009, "", 0};
      forced_.push_back(now);
      ++counts_.forced_refreshes;
      if (current != nullptr) current->refused = true;
      stable_stuck_ = false;
      return Grant(Issue(TokenFamily::kStable));
    }
  }
  const bool handed_out_again = current != nullptr &&
                                now + EffectiveOverlap() < current->expires_at &&
                                (!current->refused || stable_stuck_);
  if (handed_out_again) return Grant(*current);
  stable_stuck_ = false;
  return Grant(Issue(TokenFamily::kStable));
}

TokenVerdict TokenOffice::Judge(std::string_view token) const {
  const auto found = issued_.find(std::string(token));
  if (found == issued_.end()) return TokenVerdict::kNeverIssued;
  if (found->second.refused) return TokenVerdict::kRefused;
  if (found->second.expires_at > clock_.Now()) return TokenVerdict::kGood;
  return found->second.superseded ? TokenVerdict::kRefused : TokenVerdict::kExpired;
}

void TokenOffice::Steal(TokenFamily family) {
  if (IssuedToken* current = MutableCurrent(family)) current->refused = true;
  if (family == TokenFamily::kStable) stable_stuck_ = false;
  Issue(family);
}

void TokenOffice::Revoke(std::optional<TokenFamily> family, bool stuck) {
  for (const TokenFamily each : {TokenFamily::kClassic, TokenFamily::kStable}) {
    if (family.has_value() && *family != each) continue;
    if (IssuedToken* current = MutableCurrent(each)) current->refused = true;
    if (each == TokenFamily::kStable) stable_stuck_ = stuck;
  }
}

void TokenOffice::Expire(std::optional<TokenFamily> family) {
  for (const TokenFamily each : {TokenFamily::kClassic, TokenFamily::kStable}) {
    if (family.has_value() && *family != each) continue;
    if (IssuedToken* current = MutableCurrent(each)) current->expires_at = clock_.Now();
  }
}

const IssuedToken* TokenOffice::Current(TokenFamily family) const {
  const auto found = issued_.find(family == TokenFamily::kClassic ? classic_ : stable_);
  return found == issued_.end() ? nullptr : &found->second;
}

IssuedToken* TokenOffice::MutableCurrent(TokenFamily family) {
  const auto found = issued_.find(CurrentValue(family));
  return found == issued_.end() ? nullptr : &found->second;
}

}  // namespace hongyan::sandbox
