// What can be said about a message without asking WeChat. Pure.
//
// Errors: INVALID_ARGUMENT naming each wrong field, as it stands in the proto ("openid",
//         "text.content", "template.data"); the message is about the first.
// Source: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
//         https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
//         The limits are in notify.proto.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/model/delivery.h"
#include "server/wechat/messages.h"

namespace hongyan::core {

absl::Status CheckOpenid(absl::string_view openid, absl::string_view field = "openid");
absl::Status CheckUnionid(absl::string_view unionid);
absl::Status CheckLang(absl::string_view lang);

// `notification` with what was compiled from `content`, if recipient, key, labels and content keep
// their rules.
absl::StatusOr<model::Notification> AddMessage(model::Notification notification,
                                               const wechat::MessageContent& content);

}  // namespace hongyan::core
