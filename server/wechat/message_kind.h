// What differs between kinds of messages, as data. The only place that does.
//
// Threads: any; pure.
// Source:  https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
//          https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
#pragma once

#include "absl/types/span.h"
#include "server/model/message.h"

namespace hongyan::wechat {

struct MessageKindTraits {
  model::MessageKind kind;
  const char* name;        // in logs and metrics, and behind DELIVERY_KIND_ in the proto
  const char* api;         // the path of the API that sends it
  bool repeat_recognized;  // WeChat tells a repeat by its client_msg_id
  bool spends_allowance;   // of what may be sent to a person after he has done something
  bool receipt_follows;    // a later event says whether it arrived
};

// One row each.
absl::Span<const MessageKindTraits> MessageKinds();
const MessageKindTraits& GetTraits(model::MessageKind kind);

}  // namespace hongyan::wechat
