// A message as WeChat takes it.
#pragma once

#include <string>

namespace hongyan::model {

// What differs between them stands in wechat/message_kind.h.
enum class MessageKind { kText, kTemplate };

// Made once, where it came in, after its rules were checked. Whoever sends, remembers or repeats it
// needs no more.
struct Message {
  MessageKind kind = MessageKind::kText;
  // The members of WeChat's JSON object but for touser and client_msg_id:
  // `"msgtype":"text","text":{"content":"…"}`.
  std::string payload = {};
};

}  // namespace hongyan::model
