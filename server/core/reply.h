// A passive reply, and whether WeChat takes it. Rules of the configuration and the user's own microservice make them.
//
// Errors:  INVALID_ARGUMENT names the field ("text.content", "news.url") and the rule, never the value.
// Threads: any; pure.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/wechat/passive_reply.h"

namespace hongyan::core {

using Reply = wechat::Reply;

// "text", "image" … "transfer".
absl::string_view ReplyKind(const Reply& reply);

// One for each field that WeChat would not take.
std::vector<absl::Status> ReplyProblems(const Reply& reply);

// The first of them, or OK.
absl::Status CheckReply(const Reply& reply);

}  // namespace hongyan::core
