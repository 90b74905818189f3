#include "server/core/push_type.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "server/base/text.h"
#include "server/base/timestamp.h"

namespace hongyan::core {
namespace {

// WeChat's own word in lower case, and the API's type; unknown: the API has none, but the
// configuration may name it.
using Names = std::pair<absl::string_view, absl::string_view>;

constexpr std::array<Names, 12> kMessages = {{{"text", "text"},
                                              {"image", "image"},
                                              {"voice", "voice"},
                                              {"video", "video"},
                                              {"shortvideo", "short_video"},
                                              {"location", "location"},
                                              {"link", "link"},
                                              {"miniprogrampage", "mini_program_page"},
                                              {"file", "file"},
                                              {"device_text", "unknown"},
                                              {"device_event", "unknown"},
                                              {"hardware", "unknown"}}};

constexpr std::array<Names, 42> kEvents = {{{"subscribe", "subscribe"},
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
                                            {"verify_expired", "verification"},
                                            {"card_pass_check", "unknown"},
                                            {"user_get_card", "unknown"},
                                            {"user_del_card", "unknown"},
                                            {"user_consume_card", "unknown"},
                                            {"user_enter_tempsession", "unknown"},
                                            {"wificonnected", "unknown"},
                                            {"shakearoundusershake", "unknown"},
                                            {"merchant_order", "unknown"},
                                            {"poi_check_notify", "unknown"},
                                            {"debug_demo", "unknown"}}};

template <std::size_t N>
absl::string_view Find(const std::array<Names, N>& table, absl::string_view word) {
  const auto it = std::find_if(table.begin(), table.end(),
                               [&](const Names& names) { return names.first == word; });
  return it == table.end() ? absl::string_view(kUnknownPush) : it->second;
}

PushClass::Kind ClassifyKind(const wechat::PushedEvent& push) {
  if (push.msg_type == "event") return PushClass::Kind::kEvent;
  if (push.msg_type.empty() || absl::EqualsIgnoreCase(push.msg_type, "event")) {
    return PushClass::Kind::kUnclear;
  }
  return PushClass::Kind::kMessage;
}

// Messages have a MsgId; some events have a MsgID.
bool HasUsableId(const wechat::PushedEvent& push, PushClass::Kind kind) {
  std::int64_t id = 0;
  return push.msg_id.empty() ? kind == PushClass::Kind::kEvent : absl::SimpleAtoi(push.msg_id, &id);
}

bool HasUsableTime(const wechat::PushedEvent& push) {
  return push.create_time && *push.create_time <= base::kLastTimestampSecond;
}

std::string FindOpenid(const wechat::PushedEvent& push, absl::string_view type) {
  absl::string_view openid;
  if (type == "user_info_change") {
    openid = push.Field("OpenID");
    if (openid.empty()) openid = push.Field("openid");  // some samples spell it so
  }
  if (openid.empty()) openid = push.from_user;
  const bool usable = openid.size() <= kMaxOpenidBytes && base::IsVisibleAscii(openid);
  return usable ? std::string(openid) : std::string();
}

}  // namespace

PushClass Classify(const wechat::PushedEvent& push) {
  PushClass found;
  found.kind = ClassifyKind(push);
  const bool is_event = found.kind == PushClass::Kind::kEvent;
  found.word = absl::AsciiStrToLower(is_event ? push.event : push.msg_type);
  found.type = is_event ? Find(kEvents, found.word) : Find(kMessages, found.word);
  found.openid = FindOpenid(push, found.type);
  found.usable = HasUsableId(push, found.kind) && HasUsableTime(push) && !found.openid.empty();
  return found;
}

std::vector<absl::string_view> PushTypes() {
  std::vector<absl::string_view> types;
  for (const Names& names : kMessages) types.push_back(names.second);
  for (const Names& names : kEvents) types.push_back(names.second);
  // Those of one type stand together.
  types.erase(std::unique(types.begin(), types.end()), types.end());
  types.erase(std::remove(types.begin(), types.end(), kUnknownPush), types.end());
  types.emplace_back(kUnknownPush);
  return types;
}

PushWord FindMeaning(absl::string_view on) {
  if (on == kUnknownPush) return PushWord::kEither;
  const auto is_it = [&](const Names& names) { return names.first == on || names.second == on; };
  if (std::any_of(kMessages.begin(), kMessages.end(), is_it)) return PushWord::kMessage;
  if (std::any_of(kEvents.begin(), kEvents.end(), is_it)) return PushWord::kEvent;
  return PushWord::kNone;
}

bool IsOn(absl::string_view on, const PushClass& push) {
  if (on == push.type) return true;
  // The event LOCATION comes unasked and often; "location" means the message that a user sends.
  const bool is_location_event = push.kind == PushClass::Kind::kEvent && push.word == "location";
  return on == push.word && !is_location_event;
}

}  // namespace hongyan::core
