#include "server/api/convert.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/api/errors.h"
#include "server/base/status.h"
#include "server/base/timestamp.h"
#include "server/core/message_rules.h"
#include "server/wechat/message_kind.h"

namespace hongyan::api {
namespace {

absl::Status NoFallback() {
  return NotImplemented("fallback: this version has no template fallback",
                        "fallback：此版本还不支持模板兜底");
}

wechat::TemplateMessage FromProto(const v1::Template& proto) {
  wechat::TemplateMessage message;
  message.template_id = proto.template_id();
  message.data = {proto.data().begin(), proto.data().end()};
  message.url = proto.url();
  message.mini_program_app_id = proto.mini_program().app_id();
  message.mini_program_page_path = proto.mini_program().page_path();
  return message;
}

v1::DeliveryKind ToProto(model::MessageKind kind) {
  const std::string name = absl::AsciiStrToUpper(wechat::GetTraits(kind).name);
  v1::DeliveryKind proto = v1::DELIVERY_KIND_UNSPECIFIED;
  v1::DeliveryKind_Parse(absl::StrCat("DELIVERY_KIND_", name), &proto);
  return proto;
}

v1::DeliveryState ToProto(model::DeliveryState state) {
  switch (state) {
    case model::DeliveryState::kAccepted:
      return v1::DELIVERY_STATE_ACCEPTED;
    case model::DeliveryState::kFailed:
      return v1::DELIVERY_STATE_FAILED;
    case model::DeliveryState::kUnknown:
      return v1::DELIVERY_STATE_UNKNOWN;
    case model::DeliveryState::kExpired:
      return v1::DELIVERY_STATE_EXPIRED;
    case model::DeliveryState::kNone:
      break;
  }
  return v1::DELIVERY_STATE_UNSPECIFIED;
}

template <typename Request>
model::Notification ReadRecipientAndKey(const Request& request) {
  model::Notification notification;
  notification.openid = request.openid();
  if (request.recipient_case() == Request::kUnionid) notification.unionid = request.unionid();
  notification.idempotency_key = request.idempotency_key();
  return notification;
}

}  // namespace

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& proto,
                                     absl::string_view field) {
  if (proto.seconds() < base::kFirstTimestampSecond ||
      proto.seconds() > base::kLastTimestampSecond || proto.nanos() < 0 ||
      proto.nanos() > 999999999) {
    return base::InvalidField(field, "is no valid time", "不是有效的时间");
  }
  return absl::FromUnixSeconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

void ToProto(absl::Time time, google::protobuf::Timestamp& proto) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::StatusOr<model::Notification> FromProto(const v1::SendTextRequest& request) {
  if (request.has_fallback()) return NoFallback();
  model::Notification notification = ReadRecipientAndKey(request);
  notification.validate_only = request.validate_only();
  const wechat::TextMessage message{request.content(), request.kf_account()};
  return core::AddMessage(std::move(notification), message);
}

absl::StatusOr<model::Notification> FromProto(const v1::SendTemplateRequest& request) {
  model::Notification notification = ReadRecipientAndKey(request);
  notification.validate_only = request.validate_only();
  return core::AddMessage(std::move(notification), FromProto(request.template_()));
}

absl::StatusOr<model::Notification> FromProto(const v1::Notification& proto) {
  model::Notification notification = ReadRecipientAndKey(proto);
  if (proto.has_fallback()) return NoFallback();
  if (proto.has_send_time()) {
    return base::InvalidField("send_time", "is for queued sends; SendBatch sends at once",
                              "仅用于排队发送；SendBatch 立即发送");
  }
  if (proto.has_expire_time()) {
    auto expire_time = FromProto(proto.expire_time(), "expire_time");
    if (!expire_time.ok()) return expire_time.status();
    notification.expire_time = *expire_time;
  }
  notification.labels = {proto.labels().begin(), proto.labels().end()};
  switch (proto.body_case()) {
    case v1::Notification::kText: {
      const wechat::TextMessage message{proto.text().content(), proto.text().kf_account()};
      return core::AddMessage(std::move(notification), message);
    }
    case v1::Notification::kTemplate:
      return core::AddMessage(std::move(notification), FromProto(proto.template_()));
    case v1::Notification::kMessage:
      return NotImplemented("message: this version sends texts and templates only",
                            "message：此版本只支持文本和模板消息");
    case v1::Notification::kSubscription:
      return NotImplemented("subscription: this version sends texts and templates only",
                            "subscription：此版本只支持文本和模板消息");
    case v1::Notification::BODY_NOT_SET:
      break;
  }
  return base::InvalidField("body", "is required: text or template", "必须填写：text 或 template");
}

void ToProto(const model::Delivery& delivery, v1::Delivery& proto) {
  proto.set_id(delivery.id);
  proto.set_account(delivery.account);
  proto.set_openid(delivery.openid);
  proto.set_kind(ToProto(delivery.kind));
  proto.set_state(ToProto(delivery.state));
  proto.set_msg_id(delivery.msg_id);
  if (!delivery.error.ok()) {
    proto.mutable_error()->ParseFromString(base::SerializeRpcStatus(delivery.error));
  }
  proto.set_attempts(delivery.attempts);
  proto.set_idempotency_key(delivery.idempotency_key);
  proto.mutable_labels()->insert(delivery.labels.begin(), delivery.labels.end());
  ToProto(delivery.create_time, *proto.mutable_create_time());
  if (delivery.expire_time) ToProto(*delivery.expire_time, *proto.mutable_expire_time());
  if (delivery.accept_time) ToProto(*delivery.accept_time, *proto.mutable_accept_time());
  if (delivery.finish_time) ToProto(*delivery.finish_time, *proto.mutable_finish_time());
}

void ToProto(const model::Profile& profile, v1::UserInfo& proto) {
  proto.set_unionid(profile.unionid);
  proto.set_subscribe_scene(profile.subscribe_scene);
  proto.set_remark(profile.remark);
  proto.set_group_id(profile.group_id);
  proto.mutable_tag_ids()->Assign(profile.tag_ids.begin(), profile.tag_ids.end());
  proto.set_qr_scene(profile.qr_scene);
  proto.set_qr_scene_str(profile.qr_scene_str);
  proto.set_language(profile.language);
  proto.set_nickname(profile.nickname);
  proto.set_head_image_url(profile.head_image_url);
  proto.set_sex(profile.sex);
  proto.set_city(profile.city);
  proto.set_province(profile.province);
  proto.set_country(profile.country);
}

void ToProto(const model::User& user, v1::UserInfo& proto) {
  proto.set_openid(user.openid);
  proto.set_subscribed(user.subscribed.value_or(false));
  proto.set_subscribed_unknown(!user.subscribed);
  if (user.subscribe_time) ToProto(*user.subscribe_time, *proto.mutable_subscribe_time());
  ToProto(user.profile, proto);
}

absl::Status NamedAsInSendText(const absl::Status& status) {
  return base::StripFieldPrefix(status, "text.");
}

}  // namespace hongyan::api
