#include "server/core/push_type.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "server/base/text.h"
#include "server/base/timestamp.h"

namespace hongyan::core {
namespace {

using Names = std::pair<absl::string_view, absl::string_view>;

constexpr std::array<Names, 9> kMessages = {{{"text", "text"},
                                             {"image", "image"},
                                             {"voice", "voice"},
                                             {"video", "video"},
                                             {"shortvideo", "short_video"},
                                             {"location", "location"},
                                             {"link", "link"},
                                             {"miniprogrampage", "mini_program_page"},
                                             {"file", "file"}}};

constexpr std::array<Names, 32> kEvents = {{{"subscribe", "subscribe"},
                                            {"unsubscribe", "unsubscribe"},
                                            {"scan", "scan"},
                                            {"location", "location_report"},
                                            {"click", "click"},
                                            {"view", "view"},
                                            {"view_miniprogram", "view_mini_program"},
                                            {"scancode_push", "scan_code"},
                                            {"scancode_waitmsg", "scan_code"},
                                            {"pic_sysphoto", "pictures"},
                                            {"pic_photo_or_album", "pictures"},
                                            {"pic_weixin", "pictures"},
                                            {"location_select", "location_select"},
                                            {"templatesendjobfinish", "template_receipt"},
                                            {"masssendjobfinish", "mass_send_receipt"},
                                            {"publishjobfinish", "publish_receipt"},
                                            {"freepublishjobfinish", "publish_receipt"},
                                            {"subscribe_msg_popup_event", "subscription_popup"},
                                            {"subscribe_msg_change_event", "subscription_change"},
                                            {"subscribe_msg_sent_event", "subscription_receipt"},
                                            {"user_info_modified", "user_info_change"},
                                            {"user_authorization_revoke", "user_info_change"},
                                            {"user_authorization_cancellation", "user_info_change"},
                                            {"kf_create_session", "kf_session"},
                                            {"kf_close_session", "kf_session"},
                                            {"kf_switch_session", "kf_session"},
                                            {"qualification_verify_success", "verification"},
                                            {"qualification_verify_fail", "verification"},
                                            {"naming_verify_success", "verification"},
                                            {"naming_verify_fail", "verification"},
                                            {"annual_renew", "verification"},
                                            {"verify_expired", "verification"}}};

template <std::size_t N>
absl::string_view Find(const std::array<Names, N>& table, absl::string_view word) {
  const auto it = std::find_if(table.begin(), table.end(),
                               [&](const Names& names) { return names.first == word; });
  return it == table.end() ? absl::string_view(kUnknownPush) : it->second;
}

bool IsEvent(const wechat::PushedEvent& push) { return push.msg_type == "event"; }

// Messages have a MsgId; some events have a MsgID.
bool HasUsableId(const wechat::PushedEvent& push) {
  std::int64_t id = 0;
  return push.msg_id.empty() ? IsEvent(push) : absl::SimpleAtoi(push.msg_id, &id);
}

bool HasUsableTime(const wechat::PushedEvent& push) {
  return push.create_time && *push.create_time <= base::kLastTimestampSecond;
}

}  // namespace

absl::string_view PushType(const wechat::PushedEvent& push) {
  const std::string word = PushWord(push);
  return IsEvent(push) ? Find(kEvents, word) : Find(kMessages, word);
}

std::vector<absl::string_view> PushTypes() {
  std::vector<absl::string_view> types;
  for (const Names& names : kMessages) types.push_back(names.second);
  for (const Names& names : kEvents) {
    // Those of one type stand together.
    if (names.second != types.back()) types.push_back(names.second);
  }
  types.emplace_back(kUnknownPush);
  return types;
}

absl::string_view RecordedType(const wechat::PushedEvent& push) {
  const bool usable = HasUsableId(push) && HasUsableTime(push) && !PushOpenid(push).empty();
  return usable ? PushType(push) : absl::string_view(kUnknownPush);
}

std::string PushOpenid(const wechat::PushedEvent& push) {
  absl::string_view openid;
  if (PushType(push) == "user_info_change") {
    openid = push.Field("OpenID");
    if (openid.empty()) openid = push.Field("openid");  // some samples spell it so
  }
  if (openid.empty()) openid = push.from_user;
  const bool usable = openid.size() <= kMaxOpenidBytes && base::IsVisibleAscii(openid);
  return usable ? std::string(openid) : std::string();
}

bool IsOn(absl::string_view on, const wechat::PushedEvent& push) {
  if (on == PushType(push)) return true;
  const std::string word = PushWord(push);
  // The event LOCATION comes unasked and often; "location" means the message that a user sends.
  return on == word && !(IsEvent(push) && word == "location");
}

std::string PushWord(const wechat::PushedEvent& push) {
  return absl::AsciiStrToLower(IsEvent(push) ? push.event : push.msg_type);
}

}  // namespace hongyan::core
