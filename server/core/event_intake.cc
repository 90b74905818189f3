#include "server/core/event_intake.h"

#include "absl/strings/str_cat.h"
#include "server/core/push_type.h"

namespace hongyan::core {
namespace {

// Two accounts may share a token, and so a signature.
std::string GuardKey(std::size_t account, absl::string_view signature) {
  return absl::StrCat(account, ":", signature);
}

}  // namespace

ReplayGuard::Verdict EventIntake::Look(std::size_t account, absl::string_view signature,
                                       const ReplayGuard::Digest& body, absl::Time now) {
  return guard_.Look(GuardKey(account, signature), body, now);
}

EventIntake::Answer EventIntake::Take(std::size_t account, absl::string_view signature,
                                      const ReplayGuard::Digest& body,
                                      const wechat::PushedEvent& push, absl::Time now,
                                      absl::Time expires) {
  const std::string key = GuardKey(account, signature);
  Answer answer;
  answer.type = PushType(push);
  answer.verdict = guard_.Look(key, body, now);
  if (answer.verdict == ReplayGuard::Verdict::kReplay) return answer;
  if (answer.verdict == ReplayGuard::Verdict::kNew) guard_.Remember(key, body, expires);
  answer.reply = rules_[account].Find(push);
  return answer;
}

}  // namespace hongyan::core
