// What happens to a verified push: is it new, and is there something to answer at once?
//
// Contract: Take() judges a push whose signature is right. A repeat is answered like the first time
//           and counted once; a body that comes under the signature of another one is refused.
//           kReplay has no reply.
// Bounds:   those of ReplayGuard, over all accounts.
// Threads:  event loop only.
// Lifetime: the strings in an Answer live as long as this object.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/core/replay_guard.h"
#include "server/core/reply_rules.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::core {

class EventIntake {
 public:
  struct Answer {
    ReplayGuard::Verdict verdict = ReplayGuard::Verdict::kNew;
    absl::string_view type;              // PushType
    const std::string* reply = nullptr;  // the text to reply with; null: none
  };

  // The rules of each account; its place in the list is the `account` below.
  explicit EventIntake(std::vector<ReplyRules> rules) : rules_(std::move(rules)) {}

  // Whether `body` was seen before under this signature; nothing is remembered. For asking before
  // the body is parsed.
  ReplayGuard::Verdict Look(std::size_t account, absl::string_view signature,
                            const ReplayGuard::Digest& body, absl::Time now);
  // `expires`: when the signature stops being accepted.
  Answer Take(std::size_t account, absl::string_view signature, const ReplayGuard::Digest& body,
              const wechat::PushedEvent& push, absl::Time now, absl::Time expires);

  const ReplayGuard& guard() const { return guard_; }

 private:
  const std::vector<ReplyRules> rules_;
  ReplayGuard guard_;
};

}  // namespace hongyan::core
