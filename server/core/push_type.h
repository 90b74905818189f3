// The type of a push under the names of the public API: a closed set, so it can be a metric's
// label.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::core {

inline constexpr char kUnknownPush[] = "unknown";
inline constexpr std::size_t kMaxOpenidBytes = 128;

// "text", "subscribe", "template_receipt" …; kUnknownPush for what is not in the list. Event names
// are compared in any case; the message type `location` and the event `LOCATION` (location_report)
// are told apart by MsgType.
absl::string_view PushType(const wechat::PushedEvent& push);

// All that PushType may say, kUnknownPush last.
std::vector<absl::string_view> PushTypes();

// The type under which a push is recorded: PushType, but kUnknownPush as well when the push lacks
// what every event has: a sender (PushOpenid), a CreateTime up to the year 9999 and, in messages, a
// MsgId that is a number. An event's MsgID that is no number is as bad.
absl::string_view RecordedType(const wechat::PushedEvent& push);

// Whose push it is: OpenID where the platform tells of a user (user_info_change), else
// FromUserName. Empty when that is no openid: 1 to kMaxOpenidBytes visible ASCII characters.
std::string PushOpenid(const wechat::PushedEvent& push);

// Whether the configuration's word `on` means this push: a type of the public API, or WeChat's own word in lower case.
// Where a word is both (location), the API's meaning holds.
bool IsOn(absl::string_view on, const wechat::PushedEvent& push);

// WeChat's own word for it in lower case: the event's name for events, else the message type.
std::string PushWord(const wechat::PushedEvent& push);

}  // namespace hongyan::core
