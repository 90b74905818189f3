#include "callback_samples.h"

#include <boost/json/parse.hpp>
#include <string_view>

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;

struct Sample {
  std::string_view name;
  // JSON; $openid and $app_id are put in.
  std::string_view fields;
};

constexpr Sample kMessages[] = {
    {"text", R"({"Content":"你好 ]]> 🎉"})"},
    {"image", R"({"PicUrl":"http://mmbiz.qpic.cn/sample?a=1&b=2","MediaId":"media_image_1"})"},
    {"voice", R"({"MediaId":"media_voice_1","Format":"amr","MediaId16K":"media_voice_16k",
                  "Recognition":"腾讯微信团队"})"},
    {"video", R"({"MediaId":"media_video_1","ThumbMediaId":"media_thumb_1"})"},
    {"shortvideo", R"({"MediaId":"media_video_2","ThumbMediaId":"media_thumb_2"})"},
    {"location", R"({"Location_X":23.137466,"Location_Y":113.352425,"Scale":20,
                     "Label":"广州市天河区 <1 号>"})"},
    {"link",
     R"({"Title":"公众平台官网链接","Description":"说明 & 更多","Url":"https://e.com/?a=1&b=2"})"},
    {"miniprogrampage",
     R"({"Title":"小程序","AppId":"wxminiprogram00001","PagePath":"pages/index?a=1",
                            "ThumbUrl":"http://mmbiz.qpic.cn/thumb","ThumbMediaId":"media_thumb_3"})"},
    {"file", R"({"Title":"合同.pdf","Description":"120 KB","FileKey":"file_key_1",
                 "FileMd5":"d41d8cd98f00b204e9800998ecf8427e","FileTotalLen":122880})"},
};

constexpr Sample kEvents[] = {
    {"subscribe", R"({"EventKey":""})"},
    {"unsubscribe", R"({"EventKey":""})"},
    {"SCAN", R"({"EventKey":"42","Ticket":"gQSampleTicketOfAQrCode"})"},
    {"LOCATION", R"({"Latitude":23.137466,"Longitude":113.352425,"Precision":119.385040})"},
    {"CLICK", R"({"EventKey":"MENU_1"})"},
    {"VIEW", R"({"EventKey":"https://e.com/?a=1&b=2","MenuId":423456789})"},
    {"view_miniprogram", R"({"EventKey":"pages/index/index","MenuId":423456789})"},
    {"scancode_push", R"({"EventKey":"SCAN_1",
        "ScanCodeInfo":{"ScanType":"qrcode","ScanResult":"https://e.com/1"}})"},
    {"scancode_waitmsg", R"({"EventKey":"SCAN_2",
        "ScanCodeInfo":{"ScanType":"qrcode","ScanResult":"2"}})"},
    {"pic_sysphoto", R"({"EventKey":"PIC_1","SendPicsInfo":{"Count":1,
        "PicList":{"item":{"PicMd5Sum":"1b5f7c23b5bf75682a53e7b6d163e185"}}}})"},
    {"pic_photo_or_album", R"({"EventKey":"PIC_2","SendPicsInfo":{"Count":2,"PicList":{"item":[
        {"PicMd5Sum":"5a75aaca956d97be686719218f275c6b"},
        {"PicMd5Sum":"8a75aaca956d97be686719218f275c6c"}]}}})"},
    {"pic_weixin", R"({"EventKey":"PIC_3","SendPicsInfo":{"Count":1,
        "PicList":{"item":{"PicMd5Sum":"6c75aaca956d97be686719218f275c6d"}}}})"},
    {"location_select",
     R"({"EventKey":"PLACE_1","SendLocationInfo":{"Location_X":"23","Location_Y":"113",
        "Scale":"15","Label":"广州市海珠区客村艺苑路 106号","Poiname":""}})"},
    {"TEMPLATESENDJOBFINISH", R"({"MsgID":3717005636572528641,"Status":"success"})"},
    {"MASSSENDJOBFINISH",
     R"json({"MsgID":1000001625,"Status":"err(30003)","TotalCount":100,"FilterCount":80,
        "SentCount":75,"ErrorCount":5,
        "CopyrightCheckResult":{"Count":2,"ResultList":{"item":[
          {"ArticleIdx":1,"UserDeclareState":0,"AuditState":2,"OriginalArticleUrl":"https://e.com/1",
           "OriginalArticleType":1,"CanReprint":1,"NeedReplaceContent":1,"NeedShowReprintSource":1},
          {"ArticleIdx":2,"UserDeclareState":0,"AuditState":2,"OriginalArticleUrl":"https://e.com/2",
           "OriginalArticleType":1,"CanReprint":1,"NeedReplaceContent":1,"NeedShowReprintSource":1}]},
          "CheckState":2},
        "ArticleUrlResult":{"Count":1,"ResultList":{"item":{"ArticleIdx":1,"ArticleUrl":"https://e.com/3"}}}})json"},
    {"PUBLISHJOBFINISH", R"({"PublishEventInfo":{"publish_id":"2247503051","publish_status":0,
        "article_id":"b5O2OUs25HBxRceL7hfReg",
        "article_detail":{"count":1,"item":{"idx":1,"article_url":"https://e.com/4"}}}})"},
    {"subscribe_msg_popup_event", R"({"SubscribeMsgPopupEvent":{"List":[
        {"TemplateId":"VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc","SubscribeStatusString":"accept","PopupScene":2},
        {"TemplateId":"9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI","SubscribeStatusString":"reject","PopupScene":2}]}})"},
    {"subscribe_msg_change_event", R"({"SubscribeMsgChangeEvent":{"List":[
        {"TemplateId":"VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc","SubscribeStatusString":"reject"}]}})"},
    {"subscribe_msg_sent_event", R"({"SubscribeMsgSentEvent":{"List":[
        {"TemplateId":"VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc","MsgID":1700827132819554304,
         "ErrorCode":0,"ErrorStatus":"success"}]}})"},
    {"user_info_modified", R"({"OpenID":"$openid","AppID":"$app_id","RevokeInfo":"205"})"},
    {"user_authorization_revoke", R"({"OpenID":"$openid","AppID":"$app_id","RevokeInfo":"202"})"},
    {"user_authorization_cancellation",
     R"({"OpenID":"$openid","AppID":"$app_id","RevokeInfo":"0"})"},
    {"kf_create_session", R"({"KfAccount":"test1@test"})"},
    {"kf_close_session", R"({"KfAccount":"test1@test"})"},
    {"kf_switch_session", R"({"FromKfAccount":"test1@test","ToKfAccount":"test2@test"})"},
    {"qualification_verify_success", R"({"ExpiredTime":1442401156})"},
    {"qualification_verify_fail", R"({"FailTime":1442401122,"FailReason":"by time"})"},
    {"naming_verify_success", R"({"ExpiredTime":1442401093})"},
    {"naming_verify_fail", R"({"FailTime":1442401061,"FailReason":"by time"})"},
    {"annual_renew", R"({"ExpiredTime":1442401004})"},
    {"verify_expired", R"({"ExpiredTime":1442400900})"},
    {"card_pass_check", R"({"CardId":"card_1"})"},
    {"user_get_card",
     R"({"CardId":"card_1","IsGiveByFriend":0,"UserCardCode":"12312312","OuterId":0})"},
    {"user_del_card", R"({"CardId":"card_1","UserCardCode":"12312312"})"},
    {"user_consume_card", R"({"CardId":"card_1","UserCardCode":"12312312",
        "ConsumeSource":"FROM_API"})"},
    {"user_enter_tempsession", R"({"SessionFrom":"sessionFrom"})"},
    {"debug_demo", R"({"debug_str":"hello world"})"},
};

void Replace(std::string* text, const std::string& what, const std::string& with) {
  for (size_t at = text->find(what); at != std::string::npos;
       at = text->find(what, at + with.size())) {
    text->replace(at, what.size(), with);
  }
}

}  // namespace

std::optional<json::object> SampleFields(const std::string& msg_type, const std::string& event,
                                         const std::string& openid, const std::string& app_id) {
  const bool is_event = msg_type == "event";
  const std::string& name = is_event ? event : msg_type;
  const Sample* begin = is_event ? std::begin(kEvents) : std::begin(kMessages);
  const Sample* end = is_event ? std::end(kEvents) : std::end(kMessages);
  for (const Sample* sample = begin; sample != end; ++sample) {
    if (sample->name != name) continue;
    std::string text(sample->fields);
    Replace(&text, "$openid", openid);
    Replace(&text, "$app_id", app_id);
    json::error_code error;
    json::value fields = json::parse(text, error);
    if (error || !fields.is_object()) return std::nullopt;
    return std::move(fields.get_object());
  }
  return std::nullopt;
}

json::array SampleNames(bool events) {
  json::array names;
  if (events) {
    for (const Sample& sample : kEvents) names.push_back(json::value(sample.name));
  } else {
    for (const Sample& sample : kMessages) names.push_back(json::value(sample.name));
  }
  return names;
}

}  // namespace hongyan::sandbox
