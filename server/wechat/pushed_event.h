// What WeChat pushes, as plain values: one struct for XML and JSON, for messages and events.
//
// Contract: every string is well-formed UTF-8 without control characters other than tab and line
//           ends. What was absent is empty. A type that we don't know keeps its fields like any
//           other.
// Bounds:   at most kMaxPushFields fields, kMaxPushDepth deep, in a body of 64 KiB.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/model/body_format.h"

namespace hongyan::wechat {

inline constexpr std::size_t kMaxPushFields = 1000;
inline constexpr std::size_t kMaxPushDepth = 16;

struct PushedEvent {
  using Fields = std::vector<std::pair<std::string, std::string>>;

  model::BodyFormat format = model::BodyFormat::kXml;
  std::string to_user;                      // gh_…, the account
  std::string from_user;                    // the openid; of the platform itself in system events
  std::optional<std::int64_t> create_time;  // Unix seconds; absent unless 0 to the year 9999
  std::string msg_type;                     // as sent
  std::string event;                        // as sent; its case varies
  std::string event_key;
  std::string content;
  std::string msg_id;  // MsgId or MsgID; a number, but not always
  // All leaves in order, nested names joined by dots: {"ScanCodeInfo.ScanType", "qrcode"}. Repeated
  // elements repeat.
  Fields fields;

  // Something in it is encrypted: a plain-mode account refuses that.
  bool HasEncrypt() const;
  // The first field of that name; empty when there is none.
  absl::string_view Field(absl::string_view name) const;
};

// Sorts the fields read by a codec into the members above. kInvalidArgument when a field that
// routes the event is there twice.
absl::StatusOr<PushedEvent> ToPushedEvent(model::BodyFormat format, PushedEvent::Fields fields);

// Reads a body in either form, by its first character. kInvalidArgument, without any of the
// content, when it is neither.
absl::StatusOr<PushedEvent> ParsePush(absl::string_view body);

// What a codec may let through: well-formed UTF-8, other control characters than tab and line ends
// replaced by U+FFFD.
std::string CleanText(absl::string_view text);

}  // namespace hongyan::wechat
