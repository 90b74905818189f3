// WeChat's JSON form of pushes: events in. The same fields under the same names
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
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {

absl::StatusOr<PushedEvent::Fields> ReadEventJson(absl::string_view body);

}  // namespace hongyan::wechat
