// One pass over an XML body before the parser: is it the harmless subset that WeChat writes?
//
// Contract: returns the body with ill-formed UTF-8, forbidden characters and references to them
//           replaced by U+FFFD. Elements nest and match, none has attributes, the one root is
//           <xml>; there is no DTD, no entity but XML's own five, and no processing instruction but
//           the declaration at the start.
// Errors:   kInvalidArgument, without any of the content.
// Bounds:   linear; at most kMaxPushFields elements, kMaxPushDepth levels.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hongyan::wechat {

absl::StatusOr<std::string> ScanXml(absl::string_view body);

}  // namespace hongyan::wechat
