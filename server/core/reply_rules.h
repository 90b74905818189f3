// The configured automatic replies of one account: which reply, if any, answers a push.
//
// Contract: the first rule that fits decides: its `on` means the push (IsOn), its `event_key` is
//           the event's, its `match` is found in a message's content or in an event's key.
// Errors:   Create: kInvalidArgument names the rule whose expression or reply is wrong.
// Bounds:   linear in the content whatever the expression.
// Threads:  any; immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/push_type.h"
#include "server/core/reply.h"
#include "server/wechat/pushed_event.h"

namespace re2 {
class RE2;
}

namespace hongyan::core {

struct ReplyRule {
  std::string on;
  std::string match;  // RE2; empty: any
  Reply reply;
  std::string event_key = {};  // exactly; empty: any
};

// Whether ReplyRule::match may say this. kInvalidArgument: "is no RE2 expression: …".
absl::Status CheckExpression(const std::string& match);

class ReplyRules {
 public:
  static absl::StatusOr<ReplyRules> Create(std::vector<ReplyRule> rules);

  ReplyRules();
  ReplyRules(ReplyRules&&) noexcept;
  ReplyRules& operator=(ReplyRules&&) noexcept;
  ~ReplyRules();

  // The reply of the first rule that fits; nullptr when none does. Lives as long as this object.
  const Reply* Find(const wechat::PushedEvent& push, const PushClass& push_class) const;

 private:
  struct Compiled {
    ReplyRule rule;
    std::unique_ptr<re2::RE2> match;  // null: any
  };
  std::vector<Compiled> rules_;
};

}  // namespace hongyan::core
