// The type of a push under the names of the public API: a closed set, so it can be a metric's
// label.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::core {

inline constexpr char kUnknownPush[] = "unknown";

// "text", "subscribe", "template_receipt" …; kUnknownPush for what is not in the list. Event names
// are compared in any case; the message type `location` and the event `LOCATION` (location_report)
// are told apart by MsgType.
absl::string_view PushType(const wechat::PushedEvent& push);

// WeChat's own word for it in lower case: the event's name for events, else the message type.
std::string PushWord(const wechat::PushedEvent& push);

}  // namespace hongyan::core
