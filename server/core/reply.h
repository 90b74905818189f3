// A passive reply, and whether WeChat takes it. Rules of the configuration and the user's own
// microservice make them.
//
// Errors:  INVALID_ARGUMENT names the field ("text.content", "news.url") and the rule, never the
//          value.
// Threads: any; pure.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/wechat/passive_reply.h"

namespace hongyan::core {

using Reply = wechat::Reply;

// "text", "image" … "transfer": as the protos name them.
absl::string_view ReplyKind(const Reply& reply);
std::vector<absl::string_view> ReplyKinds();

// The reply of this kind with what `read` has for each of its fields, by the field's name. None:
// there is no such kind.
std::optional<Reply> ReadReply(absl::string_view kind,
                               const std::function<std::string(const std::string& field)>& read);

// One for each field that WeChat would not take.
std::vector<absl::Status> ReplyProblems(const Reply& reply);

// The first of them, or OK.
absl::Status CheckReply(const Reply& reply);

}  // namespace hongyan::core
