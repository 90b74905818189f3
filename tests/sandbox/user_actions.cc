#include "user_actions.h"

#include <utility>

#include "callback_samples.h"

namespace hongyan::sandbox {
namespace {

std::string NewTicket(Platform& platform) {
  std::string ticket = "gQ";
  return ticket.append(platform.random.Text(94, kUrlSafeAlphabet));
}

std::string Follow(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string scene, unionid;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("scene", &scene)
                          .String("unionid", &unionid)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  std::string& openid = happening->options.openid;
  if (openid.empty()) openid = account->NewOpenid();
  User* user = account->FindUser(openid);
  if (user == nullptr) {
    User fresh;
    fresh.openid = openid;
    user = &account->AddUser(std::move(fresh));
  }
  user->subscribed = true;
  user->subscribe_time_seconds = ToSeconds(sandbox.platform.clock.Now());
  if (!unionid.empty()) user->unionid = unionid;
  if (!scene.empty()) {
    user->subscribe_scene = "ADD_SCENE_QR_CODE";
    if (!ParseInt(scene, &user->qr_scene)) user->qr_scene_str = scene;
  }
  account->OpenWindow(*user, std::chrono::minutes(1), 3);
  SayFromUser(*account, openid, "event", scene.empty() ? "follows" : "follows, QR code " + scene);
  happening->envelope.from_user = openid;
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = "subscribe";
  happening->fields["EventKey"] = scene.empty() ? "" : "qrscene_" + scene;
  if (!scene.empty()) happening->fields["Ticket"] = NewTicket(sandbox.platform);
  return "";
}

std::string Unfollow(Sandbox& sandbox, const json::object& given, Happening* happening) {
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options).Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  if (user == nullptr) return "openid: no such user";
  user->subscribed = false;
  user->window_until = Time{};
  user->allowance = 0;
  SayFromUser(*account, user->openid, "event", "unfollows");
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = "unsubscribe";
  happening->fields["EventKey"] = "";
  return "";
}

std::string SendMessage(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string type = "text";
  std::string content;
  const json::object* fields = nullptr;
  int64_t msg_id = NewMsgId(sandbox.platform);
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("type", &type)
                          .String("content", &content)
                          .Int("msg_id", 0, INT64_MAX, &msg_id)
                          .Object("fields", &fields)
                          .Finish();
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  if (user == nullptr) return "openid: no such user";
  account->OpenWindow(*user, std::chrono::hours(48), 5);
  SayFromUser(*account, user->openid, type, content);
  happening->envelope.msg_type = type;
  if (type == "text") {
    happening->fields["Content"] = content;
  } else if (fields == nullptr) {
    happening->fields =
        SampleFields(type, "", user->openid, account->settings.app_id).value_or(json::object());
  }
  AddFields(fields, &happening->fields);
  happening->fields["MsgId"] = msg_id;
  happening->expects_answer = true;
  return "";
}

// Describes the event, and lets what it means for its user happen.
void TakeEffect(Account& account, User* user, const std::string& event, Happening* happening) {
  const bool opens_window = event == "CLICK" || event == "SCAN" || event == "scancode_push" ||
                            event == "scancode_waitmsg";
  if (user != nullptr && opens_window) account.OpenWindow(*user, std::chrono::minutes(1), 3);
  if (user != nullptr) SayFromUser(account, user->openid, "event", event);
  happening->envelope.msg_type = "event";
  happening->fields["Event"] = event;
}

std::string CauseEvent(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string event;
  std::optional<std::string> event_key;
  const json::object* fields = nullptr;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("event", &event)
                          .String("event_key", &event_key)
                          .Object("fields", &fields)
                          .Finish();
  Account* account = nullptr;
  if (error.empty() && event.empty()) error = "event: missing";
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  TakeEffect(*account, user, event, happening);
  if (event_key.has_value()) happening->fields["EventKey"] = *event_key;
  AddFields(fields, &happening->fields);
  return "";
}

// The rest of a call whose fields are read: account, user, and the event's effect.
std::string BeginEventOfUser(Sandbox& sandbox, std::string error, const std::string& event,
                             Happening* happening) {
  Account* account = nullptr;
  if (error.empty()) error = Begin(sandbox, happening, &account);
  if (!error.empty()) return error;
  User* user = account->FindUser(happening->options.openid);
  if (user == nullptr) return "openid: no such user";
  TakeEffect(*account, user, event, happening);
  return "";
}

std::string Scan(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string scene;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options).String("scene", &scene).Finish();
  if (error.empty() && scene.empty()) error = "scene: missing";
  error = BeginEventOfUser(sandbox, std::move(error), "SCAN", happening);
  happening->fields["EventKey"] = scene;
  happening->fields["Ticket"] = NewTicket(sandbox.platform);
  return error;
}

std::string TapMenu(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string key = "MENU_1";
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options).String("event_key", &key).Finish();
  error = BeginEventOfUser(sandbox, std::move(error), "CLICK", happening);
  happening->fields["EventKey"] = key;
  return error;
}

std::string OpenLink(Sandbox& sandbox, const json::object& given, Happening* happening) {
  std::string url = "https://example.com/";
  int64_t menu_id = 423456789;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .String("url", &url)
                          .Int("menu_id", 0, INT64_MAX, &menu_id)
                          .Finish();
  error = BeginEventOfUser(sandbox, std::move(error), "VIEW", happening);
  happening->fields["EventKey"] = url;
  happening->fields["MenuId"] = menu_id;
  return error;
}

std::string TellLocation(Sandbox& sandbox, const json::object& given, Happening* happening) {
  double latitude = 23.137466, longitude = 113.352425, precision = 119.38504;
  FieldReader reader(given);
  std::string error = ReadOptions(reader, &happening->options)
                          .Decimal("latitude", &latitude)
                          .Decimal("longitude", &longitude)
                          .Decimal("precision", &precision)
                          .Finish();
  error = BeginEventOfUser(sandbox, std::move(error), "LOCATION", happening);
  happening->fields["Latitude"] = latitude;
  happening->fields["Longitude"] = longitude;
  happening->fields["Precision"] = precision;
  return error;
}

}  // namespace

void SayFromUser(Account& account, const std::string& openid, std::string kind, std::string text) {
  ChatLine line;
  line.direction = Direction::kFromUser;
  line.kind = std::move(kind);
  line.text = std::move(text);
  account.Say(openid, std::move(line));
}

void AddFields(const json::object* more, json::object* fields) {
  if (more == nullptr) return;
  for (const auto& member : *more) (*fields)[member.key()] = member.value();
}

int64_t NewMsgId(Platform& platform) {
  return static_cast<int64_t>(23456789000000000 + platform.random.Number() % 1000000000);
}

Action FindAction(const std::string& path) {
  constexpr std::pair<std::string_view, Action> kActions[] = {
      {"/sandbox/follow", Follow},
      {"/sandbox/unfollow", Unfollow},
      {"/sandbox/message", SendMessage},
      {"/sandbox/event", CauseEvent},
      {"/sandbox/scan", Scan},
      {"/sandbox/click", TapMenu},
      {"/sandbox/view", OpenLink},
      {"/sandbox/location", TellLocation},
      {"/sandbox/receipt", ReportReceipt},
      {"/sandbox/subscription", ReportSubscription},
      {"/sandbox/user_info", ReportUserInfo},
      {"/sandbox/push", PushAnything}};
  for (const auto& [name, action] : kActions) {
    if (path == name) return action;
  }
  return nullptr;
}

}  // namespace hongyan::sandbox
