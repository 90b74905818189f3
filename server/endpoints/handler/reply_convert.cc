#include "server/endpoints/handler/reply_convert.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

namespace hongyan::endpoints {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::optional<core::Reply> FromProto(const v1::HandleEventResponse& response) {
  const auto* replies = response.GetDescriptor()->FindOneofByName("reply");
  const FieldDescriptor* kind =
      response.GetReflection()->GetOneofFieldDescriptor(response, replies);
  if (kind == nullptr) return std::nullopt;
  const Message& reply = response.GetReflection()->GetMessage(response, kind);
  return core::ReadReply(kind->name(), [&reply](const std::string& field) {
    const FieldDescriptor* value = reply.GetDescriptor()->FindFieldByName(field);
    return reply.GetReflection()->GetString(reply, value);
  });
}

}  // namespace hongyan::endpoints
