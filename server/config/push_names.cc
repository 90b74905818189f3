#include "server/config/push_names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace hongyan::config {
namespace {

// The API's names first, then WeChat's words that differ from them.
constexpr std::size_t kApiMessages = 9;
constexpr absl::string_view kMessages[] = {"text",
                                           "image",
                                           "voice",
                                           "video",
                                           "short_video",
                                           "location",
                                           "link",
                                           "mini_program_page",
                                           "file",
                                           "shortvideo",
                                           "miniprogrampage",
                                           "device_text",
                                           "device_event",
                                           "hardware"};

constexpr std::size_t kApiEvents = 19;
constexpr absl::string_view kEvents[] = {"subscribe",
                                         "unsubscribe",
                                         "scan",
                                         "location_report",
                                         "click",
                                         "view",
                                         "view_mini_program",
                                         "scan_code",
                                         "pictures",
                                         "location_select",
                                         "template_receipt",
                                         "mass_send_receipt",
                                         "publish_receipt",
                                         "subscription_popup",
                                         "subscription_change",
                                         "subscription_receipt",
                                         "user_info_change",
                                         "kf_session",
                                         "verification",
                                         "view_miniprogram",
                                         "scancode_push",
                                         "scancode_waitmsg",
                                         "pic_sysphoto",
                                         "pic_photo_or_album",
                                         "pic_weixin",
                                         "templatesendjobfinish",
                                         "masssendjobfinish",
                                         "publishjobfinish",
                                         "freepublishjobfinish",
                                         "subscribe_msg_popup_event",
                                         "subscribe_msg_change_event",
                                         "subscribe_msg_sent_event",
                                         "user_info_modified",
                                         "user_authorization_revoke",
                                         "user_authorization_cancellation",
                                         "kf_create_session",
                                         "kf_close_session",
                                         "kf_switch_session",
                                         "qualification_verify_success",
                                         "qualification_verify_fail",
                                         "naming_verify_success",
                                         "naming_verify_fail",
                                         "annual_renew",
                                         "verify_expired",
                                         "card_pass_check",
                                         "user_get_card",
                                         "user_del_card",
                                         "user_consume_card",
                                         "user_enter_tempsession",
                                         "wificonnected",
                                         "shakearoundusershake",
                                         "merchant_order",
                                         "poi_check_notify",
                                         "debug_demo"};

bool Holds(absl::Span<const absl::string_view> names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

PushKind KindOfPush(absl::string_view name) {
  if (name == "unknown") return PushKind::kEither;
  if (Holds(kMessages, name)) return PushKind::kMessage;
  return Holds(kEvents, name) ? PushKind::kEvent : PushKind::kNone;
}

std::string ApiPushNames() {
  return absl::StrCat(absl::StrJoin(MessageNames().first(kApiMessages), ", "), ", ",
                      absl::StrJoin(EventNames().first(kApiEvents), ", "), ", unknown");
}

absl::Span<const absl::string_view> MessageNames() { return kMessages; }
absl::Span<const absl::string_view> EventNames() { return kEvents; }

}  // namespace hongyan::config
