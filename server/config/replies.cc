#include "server/config/replies.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>

namespace hongyan::config {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

core::Reply ToReply(const v1::ReplyRule& rule) {
  for (const absl::string_view kind : core::ReplyKinds()) {
    const FieldDescriptor* key = rule.GetDescriptor()->FindFieldByName(std::string(kind));
    // Only a text has no section.
    if (key->message_type() == nullptr || !rule.GetReflection()->HasField(rule, key)) continue;
    const Message& section = rule.GetReflection()->GetMessage(rule, key);
    return *core::ReadReply(kind, [&section](const std::string& field) {
      const FieldDescriptor* value = section.GetDescriptor()->FindFieldByName(field);
      return section.GetReflection()->GetString(section, value);
    });
  }
  return wechat::TextReply{rule.text()};
}

core::ReplyRule ToReplyRule(const v1::ReplyRule& rule) {
  return {rule.on(), rule.match(), ToReply(rule), rule.event_key()};
}

}  // namespace hongyan::config
