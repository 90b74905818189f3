// What the platform reports on its own account: receipts, subscriptions, changes of a person's
// data; and pushes of whatever a call describes.
#include <utility>

#include "callback_samples.h"
#include "user_actions.h"

namespace hongyan::sandbox {
namespace {

// Changes of a person's data come from the platform, not from the person.
constexpr char kPlatformSender[] = "oPlatformItself0000000000000";

bool IsAboutUserInfo(const std::string& event) {
  return event == "user_info_modified" || event == "user_authorization_revoke" ||
         event == "user_authorization_cancellation";
}

// The msgid of the newest template message to `openid`, or 0.
int64_t LastTemplateMsgid(const Account& account, const std::string& openid) {
  const auto chat = account.chats().find(openid);
  if (chat == account.chats().end()) return 0;
  for (auto line = chat->second.rbegin(); line != chat->second.rend(); ++line) {
    if (line->kind == "template") return line->msgid;
  }
  return 0;
}

}  // namespace

std::string ReportReceipt(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::optional<int64_t> msgid;
  std::string status = "success";
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .Int("msgid", 0, INT64_MAX, &msgid)
                          .String("status", &status)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  if (!msgid.has_value()) msgid = LastTemplateMsgid(*account, happening->options.openid);
  happening->envelope.msg_type = "event";
  happening->fields = {{"Event", "TEMPLATESENDJOBFINISH"}, {"MsgID", *msgid}, {"Status", status}};
  return "";
}

std::string ReportSubscription(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string what = "sent";
  const json::array* list = nullptr;
  FieldReader reader(given);
  std::string error =
      ReadOptions(reader, &happening->options).String("what", &what).Array("list", &list).Finish();
  const std::string event = "subscribe_msg_" + what + "_event";
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  std::optional<json::object> fields = SampleFields("event", event, "", "");
  if (!fields.has_value()) return "what: popup, change or sent expected";
  if (list != nullptr) fields->begin()->value().as_object()["List"] = *list;
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = event;
  AddFields(&*fields, &happening->fields);
  return "";
}

std::string ReportUserInfo(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string event = "user_info_modified";
  std::string revoke_info;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("event", &event)
                          .String("revoke_info", &revoke_info)
                          .Finish();
  Account* account = nullptr;
  if (error.empty() && !IsAboutUserInfo(event)) {
    error =
        "event: user_info_modified, user_authorization_revoke or user_authorization_cancellation "
        "expected";
  }
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  const std::string& openid = happening->options.openid;
  const std::optional<User> user = account->LookUp(openid);
  if (!user.has_value()) return "openid: no such user";
  happening->envelope.from_user = kPlatformSender;
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = event;
  const auto sample = SampleFields("event", event, openid, account->settings.app_id);
  AddFields(&*sample, &happening->fields);
  if (!user->unionid.empty()) happening->fields["UnionID"] = user->unionid;
  if (!revoke_info.empty()) happening->fields["RevokeInfo"] = revoke_info;
  return "";
}

std::string PushAnything(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string type, event, from;
  std::optional<std::string> body;
  std::optional<int64_t> msg_id;
  const json::object* fields = nullptr;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("body", &body)
                          .String("type", &type)
                          .String("event", &event)
                          .String("from", &from)
                          .Int("msg_id", INT64_MIN, INT64_MAX, &msg_id)
                          .Object("fields", &fields)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  if (body.has_value() || (type.empty() && event.empty())) {
    happening->raw_body = body.value_or("");
    return "";
  }
  if (type.empty()) type = "event";
  Envelope& envelope = happening->envelope;
  envelope.msg_type = type;
  if (!from.empty()) {
    envelope.from_user = from;
  } else if (IsAboutUserInfo(event)) {
    envelope.from_user = kPlatformSender;
  }
  if (type == "event") happening->fields["Event"] = event;
  if (fields == nullptr) {
    const auto sample =
        SampleFields(type, event, happening->options.openid, account->settings.app_id);
    if (!sample.has_value()) return "fields: missing, and there is no sample of this type";
    AddFields(&*sample, &happening->fields);
  } else {
    AddFields(fields, &happening->fields);
  }
  if (type != "event" && !msg_id.has_value() && !happening->fields.contains("MsgId")) {
    msg_id = NewMsgId(sandbox.platform);
  }
  if (msg_id.has_value()) happening->fields["MsgId"] = *msg_id;
  happening->expects_answer = type != "event";
  return "";
}

}  // namespace hongyan::sandbox
