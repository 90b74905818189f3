// WeChat's JSON form of pushes: events in, text replies out. The same fields under the same names
// as in XML.
//
// Contract: numbers keep their digits, nested names are joined by dots as in XML; an array repeats
//           its name.
// Errors:   kInvalidArgument, without any of the content.
// Bounds:   kMaxPushFields values, kMaxPushDepth levels.
// Threads:  any; pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {

absl::StatusOr<PushedEvent::Fields> ReadEventJson(absl::string_view body);

// The passive reply with a text, from `from` (the account) to `to` (the user).
std::string WriteTextReplyJson(absl::string_view to, absl::string_view from, absl::Time now,
                               absl::string_view content);

}  // namespace hongyan::wechat
