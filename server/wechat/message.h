// A message as WeChat takes it, and what differs between kinds of messages. The only place that lists the kinds.
//
// Threads: any; pure.
// Source:  platform reference: customer-service messages, template messages.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hongyan::wechat {

enum class MessageKind { kText, kTemplate };

// Made once, where it came in, after its rules were checked. Whoever sends, remembers or repeats it needs no more.
struct Message {
  MessageKind kind = MessageKind::kText;
  // The members of WeChat's JSON object but for touser and client_msg_id: `"msgtype":"text","text":{"content":"…"}`.
  std::string payload = {};
};

struct MessageKindTraits {
  const char* name;        // in logs and metrics
  const char* api;         // the path of the API that sends it
  bool repeat_recognized;  // WeChat tells a repeat by its client_msg_id
  bool spends_allowance;   // of what may be sent to a person after he has done something
  bool receipt_follows;    // a later event says whether it arrived
};

const MessageKindTraits& TraitsOf(MessageKind kind);

}  // namespace hongyan::wechat
