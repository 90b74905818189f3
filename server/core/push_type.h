// What a push is, looked up once for all that comes after: the type that the public API gives it,
// whose it is, and whether it can be used.
//
// Threads: any; pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::core {

inline constexpr char kUnknownPush[] = "unknown";
inline constexpr std::size_t kMaxOpenidBytes = 128;

struct PushClass {
  // kMessage: of a person's, also of a type that we don't know. kUnclear: no MsgType, or `event` in
  // other letters than WeChat's, of which nobody knows what it means.
  enum class Kind { kMessage, kEvent, kUnclear };

  Kind kind = Kind::kUnclear;
  // The name of the public API: "text", "subscribe", "template_receipt" …; kUnknownPush for what is
  // not in the list, which is closed, so that it can be a metric's label. Event names are compared
  // in any case; the message type `location` and the event `LOCATION` (location_report) are told
  // apart by MsgType.
  absl::string_view type = kUnknownPush;
  // WeChat's own word in lower case: the event's name for events, else the message type.
  std::string word;
  // Whose push it is: OpenID where the platform tells of a user (user_info_change), else
  // FromUserName. Empty when that is no openid: 1 to kMaxOpenidBytes visible ASCII characters.
  std::string openid;
  // Whether it has what every event of the API has: an openid, a CreateTime up to the year 9999
  // and, in messages, a MsgId that is a number. An event's MsgID that is no number is as bad.
  bool usable = false;

  // The type under which it is recorded.
  absl::string_view recorded_type() const {
    return usable ? type : absl::string_view(kUnknownPush);
  }
};

PushClass Classify(const wechat::PushedEvent& push);

// All that PushClass::type may say, kUnknownPush last.
std::vector<absl::string_view> PushTypes();

// What the configuration's word `on` may mean: kEither for kUnknownPush, kNone for what neither the
// API nor WeChat has.
// Source: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
//         https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
enum class PushWord { kNone, kMessage, kEvent, kEither };
PushWord FindMeaning(absl::string_view on);

// Whether the configuration's word `on` means such a push: a type of the public API, or WeChat's
// own word in lower case. Where a word is both (location), the API's meaning holds.
bool IsOn(absl::string_view on, const PushClass& push);

}  // namespace hongyan::core
