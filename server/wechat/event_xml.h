// WeChat's XML: events in. Replies are passive_reply.h's.
//
// Contract: ReadEventXml() takes what WeChat writes and refuses the rest before the parser sees it:
//           DTDs, processing instructions, attributes, a second root, a root other than <xml>, more
//           than kMaxPushFields elements or kMaxPushDepth levels. Comments are skipped. Text in
//           several pieces is joined. References to characters that XML forbids become U+FFFD;
//           entities other than the five of XML stay as written.
// Errors:   kInvalidArgument, without any of the content.
// Bounds:   linear in the body: the pre-scan keeps the parser (quadratic in attributes) from seeing
//           anything worse.
// Threads:  any; pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {

absl::StatusOr<PushedEvent::Fields> ReadEventXml(absl::string_view body);

// `text` as a CDATA section, or as several where it holds "]]>".
std::string Cdata(absl::string_view text);

}  // namespace hongyan::wechat
