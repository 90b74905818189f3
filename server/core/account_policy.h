// What the configuration says of an account, beside its credentials: how its pushes are opened and
// answered.
//
// Threads:  any; immutable. A new configuration makes a new one.
#pragma once

#include <optional>
#include <string>

#include "server/base/secret.h"
#include "server/core/reply_rules.h"
#include "server/wechat/push_opener.h"

namespace hongyan::core {

struct CallbackPolicy {
  std::string path;  // compared exactly
  base::Secret token;
  wechat::PushOpener opener;
  ReplyRules replies = {};
};

struct AccountPolicy {
  std::optional<CallbackPolicy> callback = {};  // none: no pushes are taken
};

}  // namespace hongyan::core
