// The configured automatic replies of one account: which text, if any, answers a push.
//
// Contract: the first rule that fits decides. `on` is a type of the public API (text,
//           location_report …) or WeChat's own word for it in lower case; where a word means both
//           (location), the API's meaning holds. `match` is searched for in a message's content, in
//           an event's key.
// Errors:   Create: kInvalidArgument names the rule whose expression is wrong.
// Bounds:   linear in the content whatever the expression.
// Threads:  any; immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/wechat/pushed_event.h"

namespace re2 {
class RE2;
}

namespace hongyan::core {

struct ReplyRule {
  std::string on;
  std::string match;  // RE2; empty: any
  std::string text;
};

class ReplyRules {
 public:
  static absl::StatusOr<ReplyRules> Create(std::vector<ReplyRule> rules);

  ReplyRules();
  ReplyRules(ReplyRules&&) noexcept;
  ReplyRules& operator=(ReplyRules&&) noexcept;
  ~ReplyRules();

  // The text of the first rule that fits; nullptr when none does. Lives as long as this object.
  const std::string* Find(const wechat::PushedEvent& push) const;

 private:
  struct Compiled {
    std::string on;
    std::unique_ptr<re2::RE2> match;  // null: any
    std::string text;
  };
  std::vector<Compiled> rules_;
};

}  // namespace hongyan::core
