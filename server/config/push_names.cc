#include "server/config/push_names.h"

#include <iterator>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace hongyan::config {
namespace {

using Words = std::vector<absl::string_view>;

// The API's names, and WeChat's words that differ from them.
constexpr char kApiMessages[] =
    "text image voice video short_video location link mini_program_page file";
constexpr char kOtherMessages[] = "shortvideo miniprogrampage device_text device_event hardware";
constexpr char kApiEvents[] =
    "subscribe unsubscribe scan location_report click view view_mini_program scan_code pictures "
    "location_select template_receipt mass_send_receipt publish_receipt subscription_popup "
    "subscription_change subscription_receipt user_info_change kf_session verification";
constexpr char kOtherEvents[] =
    "view_miniprogram scancode_push scancode_waitmsg pic_sysphoto pic_photo_or_album pic_weixin "
    "templatesendjobfinish masssendjobfinish publishjobfinish freepublishjobfinish "
    "subscribe_msg_popup_event subscribe_msg_change_event subscribe_msg_sent_event "
    "user_info_modified user_authorization_revoke user_authorization_cancellation "
    "kf_create_session kf_close_session kf_switch_session qualification_verify_success "
    "qualification_verify_fail naming_verify_success naming_verify_fail annual_renew "
    "verify_expired card_pass_check user_get_card user_del_card user_consume_card "
    "user_enter_tempsession wificonnected shakearoundusershake merchant_order poi_check_notify "
    "debug_demo";

Words Split(const char* api, const char* others) {
  Words words = absl::StrSplit(api, ' ');
  absl::c_copy(Words(absl::StrSplit(others, ' ')), std::back_inserter(words));
  return words;
}

}  // namespace

const std::vector<absl::string_view>& MessageNames() {
  static const auto& names = *new Words(Split(kApiMessages, kOtherMessages));
  return names;
}

const std::vector<absl::string_view>& EventNames() {
  static const auto& names = *new Words(Split(kApiEvents, kOtherEvents));
  return names;
}

PushKind KindOfPush(absl::string_view name) {
  if (name == "unknown") return PushKind::kEither;
  if (absl::c_linear_search(MessageNames(), name)) return PushKind::kMessage;
  return absl::c_linear_search(EventNames(), name) ? PushKind::kEvent : PushKind::kNone;
}

std::string ApiPushNames() {
  const Words names = Split(kApiMessages, kApiEvents);
  return absl::StrCat(absl::StrJoin(names, ", "), ", unknown");
}

}  // namespace hongyan::config
