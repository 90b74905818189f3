// POST /cgi-bin/message/template/send and GET /cgi-bin/template/get_all_private_template.
#include <algorithm>
#include <utility>

#include "api.h"
#include "fields.h"
#include "value_rules.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostUrlBytes = 2048;  // WeChat documents no figure, only that there is one: 40039
constexpr size_t kMostClientMsgIdBytes = 64;

ApiAnswer InvalidValue(const std::string& key, const char* what) {
  return Refuse(47003, " data." + key + ".value " + what);
}

// Gone since May 2023: what old callers still send under these names is dropped without an error.
bool IsDroppedKey(std::string_view key) { return key == "first" || key == "remark"; }

ApiAnswer CheckValue(const Template& which, const std::string& key, const json::value& given) {
  const json::object* field = given.if_object();
  if (field == nullptr) return InvalidValue(key, "invalid");
  std::string value, color;
  const std::string error =
      FieldReader(*field).String("value", &value).String("color", &color).Finish();
  if (!error.empty()) return Refuse(47003, " data." + key + "." + error);
  if (value.empty()) return InvalidValue(key, "is empty");
  const auto listed = which.listed_values.find(key);
  static const std::vector<std::string> kNone;
  const bool allowed =
      IsAllowedValue(key, value, listed == which.listed_values.end() ? kNone : listed->second);
  return allowed ? ApiAnswer{} : InvalidValue(key, "invalid");
}

ApiAnswer CheckData(const Template& which, const json::object& data) {
  const std::vector<std::string> keys = which.Keys();
  for (const std::string& key : keys) {
    if (IsDroppedKey(key)) continue;
    const auto found = data.find(key);
    if (found == data.end()) return InvalidValue(key, "is empty");
    ApiAnswer wrong = CheckValue(which, key, found->value());
    if (wrong.errcode != 0) return wrong;
  }
  for (const auto& member : data) {
    const std::string key(member.key());
    const bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (!known && !IsDroppedKey(key)) return InvalidValue(key, "is not a keyword of the template");
  }
  return {};
}

ApiAnswer CheckTarget(const std::string& url, const json::object* mini_program) {
  if (url.size() > kMostUrlBytes) return Refuse(40039);
  const bool web = url.rfind("http://", 0) == 0 || url.rfind("https://", 0) == 0;
  if (!url.empty() && !web) return Refuse(40048);
  if (mini_program == nullptr) return {};
  std::string app_id, page_path;
  const std::string error =
      FieldReader(*mini_program).String("appid", &app_id).String("pagepath", &page_path).Finish();
  if (!error.empty()) return Refuse(47001, ", miniprogram." + error);
  return app_id.rfind("wx", 0) == 0 ? ApiAnswer{} : Refuse(40013);
}

std::string Fill(const Template& which, const json::object& data) {
  std::string text = which.content;
  for (const std::string& key : which.Keys()) {
    const auto found = data.find(key);
    const std::string value =
        found == data.end() ? "" : StringField(found->value().get_object(), "value");
    const std::string placeholder = "{{" + key + ".DATA}}";
    text.replace(text.find(placeholder), placeholder.size(), value);
  }
  return which.title + "\n" + text;
}

}  // namespace

ApiAnswer SendTemplateMessage(ApiContext& context) {
  std::string openid, template_id, url, client_msg_id, topcolor, color;
  const json::object* mini_program = nullptr;
  const json::object* data = nullptr;
  const std::string error = FieldReader(context.body)
                                .String("touser", &openid)
                                .String("template_id", &template_id)
                                .String("url", &url)
                                .Object("miniprogram", &mini_program)
                                .String("client_msg_id", &client_msg_id)
                                .Object("data", &data)
                                .String("topcolor", &topcolor)
                                .String("color", &color)
                                .Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  Account& account = *context.account;
  if (client_msg_id.size() > kMostClientMsgIdBytes) return Refuse(45067);
  const User* user = account.FindUser(openid);
  if (user == nullptr) return Refuse(40003);
  const Template* which = account.FindTemplate(template_id);
  if (which == nullptr) return Refuse(40037);
  if (data == nullptr) return Refuse(47001, ", missing field: data");
  ApiAnswer wrong = CheckData(*which, *data);
  if (wrong.errcode == 0) wrong = CheckTarget(url, mini_program);
  if (wrong.errcode != 0) return wrong;
  if (!user->subscribed) return Refuse(43004);
  if (user->blacklisted) return Refuse(43019);
  if (user->refuses_messages) return Refuse(43101);

  ApiAnswer answer;
  if (!client_msg_id.empty()) {
    if (const auto msgid = account.FindDuplicate(openid, client_msg_id)) {
      answer.fields["msgid"] = *msgid;
      answer.outcome = "duplicate";
      return answer;
    }
  }
  const int64_t msgid = context.platform.NextMsgid();
  if (!client_msg_id.empty()) account.RememberClientMsgId(openid, client_msg_id, msgid);
  ChatLine line;
  line.kind = "template";
  line.text = Fill(*which, *data);
  line.url = mini_program == nullptr ? url
                                     : "miniprogram:" + StringField(*mini_program, "appid") + "/" +
                                           StringField(*mini_program, "pagepath");
  line.msgid = msgid;
  account.Say(openid, std::move(line));
  answer.fields["msgid"] = msgid;
  answer.outcome = "accepted";
  answer.counted = true;
  return answer;
}

ApiAnswer GetAllPrivateTemplates(ApiContext& context) {
  json::array list;
  for (const Template& each : context.account->templates()) {
    list.push_back({{"template_id", each.template_id},
                    {"title", each.title},
                    {"primary_industry", each.primary_industry},
                    {"deputy_industry", each.deputy_industry},
                    {"content", each.content},
                    {"example", each.example}});
  }
  return Answered({{"template_list", std::move(list)}});
}

}  // namespace hongyan::sandbox
