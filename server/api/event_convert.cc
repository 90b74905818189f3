#include "server/api/event_convert.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/api/push_fields.h"

namespace hongyan::api {
namespace {

using Record = PushFields::Fields;

// Messages: what all of them have, then one Fill() each.

template <typename Message>
void FillIds(const PushFields& push, Message& out) {
  out.set_msg_id(push.Int64({"MsgId", "MsgID"}));
  out.set_msg_data_id(push.Int64({"MsgDataId"}));
  out.set_idx(push.Int32({"Idx"}));
}

void Fill(const PushFields& push, v1::TextEvent& out) {
  FillIds(push, out);
  out.set_content(push.Text({"Content"}));
  out.set_bizmsgmenuid(push.Text({"bizmsgmenuid"}));
}

void Fill(const PushFields& push, v1::ImageEvent& out) {
  FillIds(push, out);
  out.set_pic_url(push.Text({"PicUrl"}));
  out.set_media_id(push.Text({"MediaId"}));
}

void Fill(const PushFields& push, v1::VoiceEvent& out) {
  FillIds(push, out);
  out.set_media_id(push.Text({"MediaId"}));
  out.set_format(push.Text({"Format"}));
  out.set_media_id_16k(push.Text({"MediaId16K"}));
  out.set_recognition(push.Text({"Recognition"}));
}

void Fill(const PushFields& push, v1::VideoEvent& out) {
  FillIds(push, out);
  out.set_media_id(push.Text({"MediaId"}));
  out.set_thumb_media_id(push.Text({"ThumbMediaId"}));
}

void Fill(const PushFields& push, v1::ShortVideoEvent& out) {
  FillIds(push, out);
  out.set_media_id(push.Text({"MediaId"}));
  out.set_thumb_media_id(push.Text({"ThumbMediaId"}));
}

void Fill(const PushFields& push, v1::LocationEvent& out) {
  FillIds(push, out);
  out.set_location_x(push.Double({"Location_X"}));
  out.set_location_y(push.Double({"Location_Y"}));
  out.set_scale(push.Int32({"Scale"}));
  out.set_label(push.Text({"Label"}));
}

void Fill(const PushFields& push, v1::LinkEvent& out) {
  FillIds(push, out);
  out.set_title(push.Text({"Title"}));
  out.set_description(push.Text({"Description"}));
  out.set_url(push.Text({"Url"}));
}

void Fill(const PushFields& push, v1::MiniProgramPageEvent& out) {
  FillIds(push, out);
  out.set_title(push.Text({"Title"}));
  out.set_app_id(push.Text({"AppId"}));
  out.set_page_path(push.Text({"PagePath"}));
  out.set_thumb_url(push.Text({"ThumbUrl"}));
  out.set_thumb_media_id(push.Text({"ThumbMediaId"}));
}

void Fill(const PushFields& push, v1::FileEvent& out) {
  FillIds(push, out);
  out.set_title(push.Text({"Title"}));
  out.set_description(push.Text({"Description"}));
  out.set_file_key(push.Text({"FileKey"}));
  out.set_file_md5(push.Text({"FileMd5"}));
  out.set_file_total_len(push.Int64({"FileTotalLen"}));
}

// Events.

// The names of events come in any case.
std::string EventName(const PushFields& push) {
  return absl::AsciiStrToLower(push.Text({"Event"}));
}

void Fill(const PushFields& push, v1::SubscribeEvent& out) {
  const std::string key = push.Text({"EventKey"});
  out.set_event_key(key);
  out.set_ticket(push.Text({"Ticket"}));
  absl::string_view scene = key;
  if (absl::ConsumePrefix(&scene, "qrscene_")) out.set_scene(std::string(scene));
}

void Fill(const PushFields& push, v1::UnsubscribeEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
}

void Fill(const PushFields& push, v1::ScanEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
  out.set_ticket(push.Text({"Ticket"}));
  out.set_scene(push.Text({"EventKey"}));
}

void Fill(const PushFields& push, v1::LocationReportEvent& out) {
  out.set_latitude(push.Double({"Latitude"}));
  out.set_longitude(push.Double({"Longitude"}));
  out.set_precision(push.Double({"Precision"}));
}

void Fill(const PushFields& push, v1::ClickEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
}

void Fill(const PushFields& push, v1::ViewEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
  out.set_menu_id(push.Text({"MenuId", "MenuID"}));
}

void Fill(const PushFields& push, v1::ViewMiniProgramEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
  out.set_menu_id(push.Text({"MenuId", "MenuID"}));
}

void Fill(const PushFields& push, v1::ScanCodeEvent& out) {
  out.set_event(EventName(push));
  out.set_event_key(push.Text({"EventKey"}));
  if (!push.HasInside("ScanCodeInfo")) return;
  auto& info = *out.mutable_scan_code_info();
  info.set_scan_type(push.Text({"ScanCodeInfo.ScanType"}));
  info.set_scan_result(push.Text({"ScanCodeInfo.ScanResult"}));
}

void Fill(const PushFields& push, v1::PicturesEvent& out) {
  out.set_event(EventName(push));
  out.set_event_key(push.Text({"EventKey"}));
  if (!push.HasInside("SendPicsInfo")) return;
  auto& info = *out.mutable_send_pics_info();
  info.set_count(push.Int32({"SendPicsInfo.Count"}));
  for (const Record& record : push.Records({"SendPicsInfo.PicList.item", "SendPicsInfo.PicList"})) {
    info.add_pic_list()->set_pic_md5_sum(PushFields(record).Text({"PicMd5Sum"}));
  }
}

void Fill(const PushFields& push, v1::LocationSelectEvent& out) {
  out.set_event_key(push.Text({"EventKey"}));
  if (!push.HasInside("SendLocationInfo")) return;
  auto& info = *out.mutable_send_location_info();
  info.set_location_x(push.Double({"SendLocationInfo.Location_X"}));
  info.set_location_y(push.Double({"SendLocationInfo.Location_Y"}));
  info.set_scale(push.Int32({"SendLocationInfo.Scale"}));
  info.set_label(push.Text({"SendLocationInfo.Label"}));
  info.set_poiname(push.Text({"SendLocationInfo.Poiname"}));
}

// Receipts write the id with a capital D.
void Fill(const PushFields& push, v1::TemplateReceiptEvent& out) {
  out.set_msg_id(push.Int64({"MsgID", "MsgId"}));
  out.set_status(push.Text({"Status"}));
}

void FillCopyright(const PushFields& push, v1::MassSendReceiptEvent::CopyrightCheckResult& out) {
  out.set_count(push.Int32({"CopyrightCheckResult.Count"}));
  out.set_check_state(push.Int32({"CopyrightCheckResult.CheckState"}));
  for (const Record& record :
       push.Records({"CopyrightCheckResult.ResultList.item", "CopyrightCheckResult.ResultList"})) {
    const PushFields item(record);
    auto& check = *out.add_result_list();
    check.set_article_idx(item.Int32({"ArticleIdx"}));
    check.set_user_declare_state(item.Int32({"UserDeclareState"}));
    check.set_audit_state(item.Int32({"AuditState"}));
    check.set_original_article_url(item.Text({"OriginalArticleUrl"}));
    check.set_original_article_type(item.Int32({"OriginalArticleType"}));
    check.set_can_reprint(item.Int32({"CanReprint"}));
    check.set_need_replace_content(item.Int32({"NeedReplaceContent"}));
    check.set_need_show_reprint_source(item.Int32({"NeedShowReprintSource"}));
  }
}

void Fill(const PushFields& push, v1::MassSendReceiptEvent& out) {
  out.set_msg_id(push.Int64({"MsgID", "MsgId"}));
  out.set_status(push.Text({"Status"}));
  out.set_total_count(push.Int32({"TotalCount"}));
  out.set_filter_count(push.Int32({"FilterCount"}));
  out.set_sent_count(push.Int32({"SentCount"}));
  out.set_error_count(push.Int32({"ErrorCount"}));
  if (push.HasInside("CopyrightCheckResult")) {
    FillCopyright(push, *out.mutable_copyright_check_result());
  }
  if (!push.HasInside("ArticleUrlResult")) return;
  auto& urls = *out.mutable_article_url_result();
  urls.set_count(push.Int32({"ArticleUrlResult.Count"}));
  for (const Record& record :
       push.Records({"ArticleUrlResult.ResultList.item", "ArticleUrlResult.ResultList"})) {
    auto& url = *urls.add_result_list();
    url.set_article_idx(PushFields(record).Int32({"ArticleIdx"}));
    url.set_article_url(PushFields(record).Text({"ArticleUrl"}));
  }
}

void Fill(const PushFields& push, v1::PublishReceiptEvent& out) {
  if (!push.HasInside("PublishEventInfo")) return;
  auto& info = *out.mutable_publish_event_info();
  info.set_publish_id(push.Text({"PublishEventInfo.publish_id"}));
  info.set_publish_status(push.Int32({"PublishEventInfo.publish_status"}));
  info.set_article_id(push.Text({"PublishEventInfo.article_id"}));
  for (const std::int32_t idx : push.Int32List("PublishEventInfo.fail_idx")) info.add_fail_idx(idx);
  if (!push.HasInside("PublishEventInfo.article_detail")) return;
  auto& detail = *info.mutable_article_detail();
  detail.set_count(push.Int32({"PublishEventInfo.article_detail.count"}));
  for (const Record& record : push.Records({"PublishEventInfo.article_detail.item"})) {
    auto& article = *detail.add_item();
    article.set_idx(PushFields(record).Int32({"idx"}));
    article.set_article_url(PushFields(record).Text({"article_url"}));
  }
}

// In JSON the element around the list is missing.
void Fill(const PushFields& push, v1::SubscriptionPopupEvent& out) {
  for (const Record& record : push.Records({"SubscribeMsgPopupEvent.List", "List"})) {
    const PushFields fields(record);
    auto& item = *out.add_list();
    item.set_template_id(fields.Text({"TemplateId"}));
    item.set_subscribe_status_string(fields.Text({"SubscribeStatusString"}));
    item.set_popup_scene(fields.Int32({"PopupScene"}));
  }
}

void Fill(const PushFields& push, v1::SubscriptionChangeEvent& out) {
  for (const Record& record : push.Records({"SubscribeMsgChangeEvent.List", "List"})) {
    const PushFields fields(record);
    auto& item = *out.add_list();
    item.set_template_id(fields.Text({"TemplateId"}));
    item.set_subscribe_status_string(fields.Text({"SubscribeStatusString"}));
  }
}

void Fill(const PushFields& push, v1::SubscriptionReceiptEvent& out) {
  for (const Record& record : push.Records({"SubscribeMsgSentEvent.List", "List"})) {
    const PushFields fields(record);
    auto& item = *out.add_list();
    item.set_template_id(fields.Text({"TemplateId"}));
    item.set_msg_id(fields.Int64({"MsgID", "MsgId"}));
    item.set_error_code(fields.Int32({"ErrorCode"}));
    item.set_error_status(fields.Text({"ErrorStatus"}));
  }
}

void Fill(const PushFields& push, v1::UserInfoChangeEvent& out) {
  out.set_event(EventName(push));
  out.set_openid(push.Text({"OpenID", "openid"}));
  out.set_unionid(push.Text({"UnionID", "unionid"}));
  out.set_app_id(push.Text({"AppID", "appid"}));
  out.set_revoke_info(push.Text({"RevokeInfo"}));
}

void Fill(const PushFields& push, v1::KfSessionEvent& out) {
  out.set_event(EventName(push));
  out.set_kf_account(push.Text({"KfAccount"}));
  out.set_from_kf_account(push.Text({"FromKfAccount"}));
  out.set_to_kf_account(push.Text({"ToKfAccount"}));
}

void Fill(const PushFields& push, v1::VerificationEvent& out) {
  out.set_event(EventName(push));
  google::protobuf::Timestamp time;
  if (push.Time("ExpiredTime", &time)) *out.mutable_expired_time() = time;
  if (push.Time("FailTime", &time)) *out.mutable_fail_time() = time;
  out.set_fail_reason(push.Text({"FailReason"}));
}

// The table: type → the payload of that name, filled by its Fill().

using FillPayload = void (*)(const PushFields& push, v1::Event& event);

template <auto kMutablePayload>
void Payload(const PushFields& push, v1::Event& event) {
  Fill(push, *(event.*kMutablePayload)());
}

constexpr std::array<std::pair<absl::string_view, FillPayload>, 28> kPayloads = {{
    {"text", Payload<&v1::Event::mutable_text>},
    {"image", Payload<&v1::Event::mutable_image>},
    {"voice", Payload<&v1::Event::mutable_voice>},
    {"video", Payload<&v1::Event::mutable_video>},
    {"short_video", Payload<&v1::Event::mutable_short_video>},
    {"location", Payload<&v1::Event::mutable_location>},
    {"link", Payload<&v1::Event::mutable_link>},
    {"mini_program_page", Payload<&v1::Event::mutable_mini_program_page>},
    {"file", Payload<&v1::Event::mutable_file>},
    {"subscribe", Payload<&v1::Event::mutable_subscribe>},
    {"unsubscribe", Payload<&v1::Event::mutable_unsubscribe>},
    {"scan", Payload<&v1::Event::mutable_scan>},
    {"location_report", Payload<&v1::Event::mutable_location_report>},
    {"click", Payload<&v1::Event::mutable_click>},
    {"view", Payload<&v1::Event::mutable_view>},
    {"view_mini_program", Payload<&v1::Event::mutable_view_mini_program>},
    {"scan_code", Payload<&v1::Event::mutable_scan_code>},
    {"pictures", Payload<&v1::Event::mutable_pictures>},
    {"location_select", Payload<&v1::Event::mutable_location_select>},
    {"template_receipt", Payload<&v1::Event::mutable_template_receipt>},
    {"mass_send_receipt", Payload<&v1::Event::mutable_mass_send_receipt>},
    {"publish_receipt", Payload<&v1::Event::mutable_publish_receipt>},
    {"subscription_popup", Payload<&v1::Event::mutable_subscription_popup>},
    {"subscription_change", Payload<&v1::Event::mutable_subscription_change>},
    {"subscription_receipt", Payload<&v1::Event::mutable_subscription_receipt>},
    {"user_info_change", Payload<&v1::Event::mutable_user_info_change>},
    {"kf_session", Payload<&v1::Event::mutable_kf_session>},
    {"verification", Payload<&v1::Event::mutable_verification>},
}};

FillPayload Find(absl::string_view type) {
  const auto it = std::find_if(kPayloads.begin(), kPayloads.end(),
                               [&](const auto& entry) { return entry.first == type; });
  return it == kPayloads.end() ? nullptr : it->second;
}

void FillUnknown(const wechat::PushedEvent& push, v1::UnknownEvent& out) {
  std::map<absl::string_view, int> repeats;
  std::size_t bytes = 0;
  for (const auto& [name, value] : push.fields) {
    std::string key = name;
    // A field of another name may be called so already: "a[1]" is lawful in JSON.
    while (out.fields().contains(key)) key = absl::StrCat(name, "[", ++repeats[name], "]");
    bytes += key.size() + value.size();
    if (out.fields().size() >= kMaxUnknownFields || bytes > kMaxUnknownBytes) {
      out.set_truncated(true);
      return;
    }
    (*out.mutable_fields())[std::move(key)] = value;
  }
}

}  // namespace

void ToProto(const wechat::PushedEvent& push, absl::string_view type, v1::Event& event) {
  if (const FillPayload fill = Find(type)) {
    event.set_type(std::string(type));
    fill(PushFields(push.fields), event);
  } else {
    event.set_type("unknown");
    FillUnknown(push, *event.mutable_unknown());
  }
}

bool IsEventType(absl::string_view type) { return type == "unknown" || Find(type) != nullptr; }

}  // namespace hongyan::api
