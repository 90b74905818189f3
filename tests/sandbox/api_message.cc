// POST /cgi-bin/message/custom/send and /cgi-bin/message/custom/typing.
#include <boost/json/serialize.hpp>
#include <chrono>
#include <string_view>

#include "api.h"
#include "fields.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostTextBytes = 2048;
constexpr std::chrono::seconds kTypingLasts{15};

struct Field {
  std::string_view name;
  bool required;
};

struct MessageType {
  std::string_view name;
  Field fields[6];
};

// The payloads; news and msgmenu hold lists and are looked at further.
constexpr MessageType kMessageTypes[] = {
    {"text", {{"content", true}}},
    {"image", {{"media_id", true}}},
    {"voice", {{"media_id", true}}},
    {"video",
     {{"media_id", true}, {"thumb_media_id", false}, {"title", false}, {"description", false}}},
    {"music",
     {{"title", false},
      {"description", false},
      {"musicurl", true},
      {"hqmusicurl", false},
      {"thumb_media_id", true}}},
    {"news", {{"articles", true}}},
    {"mpnews", {{"media_id", true}}},
    {"mpnewsarticle", {{"article_id", true}}},
    {"msgmenu", {{"head_content", false}, {"list", true}, {"tail_content", false}}},
    {"wxcard", {{"card_id", true}}},
    {"miniprogrampage",
     {{"title", false}, {"appid", true}, {"pagepath", true}, {"thumb_media_id", true}}},
};

constexpr Field kArticle[] = {
    {"title", true}, {"description", false}, {"url", true}, {"picurl", false}};
constexpr Field kMenuItem[] = {{"id", true}, {"content", true}};

const MessageType* FindType(std::string_view name) {
  for (const MessageType& type : kMessageTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool IsList(std::string_view field) { return field == "articles" || field == "list"; }

// "" or a sentence that names what is wrong with the strings of `object`.
template <size_t kCount>
std::string CheckFields(const json::object& object, const Field (&fields)[kCount]) {
  size_t known = 0;
  for (const Field& field : fields) {
    if (field.name.empty()) continue;
    const auto found = object.find(field.name);
    if (found == object.end()) {
      if (field.required) return "missing field: " + std::string(field.name);
      continue;
    }
    ++known;
    const bool right = IsList(field.name) ? found->value().is_array() : found->value().is_string();
    if (!right) return "wrong type of field: " + std::string(field.name);
  }
  if (known == object.size()) return "";
  for (const auto& member : object) {
    bool is_known = false;
    for (const Field& field : fields) is_known = is_known || field.name == member.key();
    if (!is_known) return "unknown field: " + std::string(member.key());
  }
  return "";
}

template <size_t kCount>
std::string CheckItems(const json::array& items, const Field (&fields)[kCount]) {
  for (const json::value& item : items) {
    if (!item.is_object()) return "an item of the list is not an object";
    std::string error = CheckFields(item.get_object(), fields);
    if (!error.empty()) return error;
  }
  return "";
}

ApiAnswer CheckPayload(const MessageType& type, const json::object& payload) {
  std::string error = CheckFields(payload, type.fields);
  if (error.empty() && type.name == "news") {
    const json::array& articles = payload.at("articles").get_array();
    if (articles.size() != 1) return Refuse(45008);
    error = CheckItems(articles, kArticle);
  }
  if (error.empty() && type.name == "msgmenu") {
    error = CheckItems(payload.at("list").get_array(), kMenuItem);
  }
  if (!error.empty()) return Refuse(47001, ", " + std::string(type.name) + ": " + error);
  if (type.name == "text") {
    const json::string& content = payload.at("content").get_string();
    if (content.empty()) return Refuse(44004);
    if (content.size() > kMostTextBytes) return Refuse(45002);
  } else if (payload.contains("media_id") && payload.at("media_id").get_string().empty()) {
    return Refuse(40007);
  }
  return {};
}

// "" or what is wrong with an optional object that holds one string.
std::string CheckOptionalObject(const json::object& body, std::string_view name,
                                std::string_view member) {
  const auto found = body.find(name);
  if (found == body.end()) return "";
  const json::object* object = found->value().if_object();
  if (object == nullptr) return "wrong type of field: " + std::string(name);
  std::string text;
  return FieldReader(*object).String(member, &text).Finish();
}

}  // namespace

ApiAnswer SendCustomMessage(ApiContext& context) {
  const json::object& body = context.body;
  const std::string type_name = StringField(body, "msgtype");
  const MessageType* type = FindType(type_name);
  if (type == nullptr && body.contains("touser")) return Refuse(40008);
  const std::string unknown =
      FirstUnknownField(body, {"touser", "msgtype", type_name, "customservice", "aimsgcontext"});
  if (!unknown.empty()) return Refuse(47001, ", unknown field: " + unknown);
  if (StringField(body, "touser").empty()) return Refuse(40003);
  const auto payload = body.find(type_name);
  if (payload == body.end() || !payload->value().is_object()) {
    return Refuse(47001, ", missing field: " + type_name);
  }
  std::string error = CheckOptionalObject(body, "customservice", "kf_account");
  if (error.empty()) error = CheckOptionalObject(body, "aimsgcontext", "msgid");
  if (!error.empty()) return Refuse(47001, ", " + error);
  ApiAnswer wrong = CheckPayload(*type, payload->value().get_object());
  if (wrong.errcode != 0) return wrong;

  User* user = context.account->FindUser(StringField(body, "touser"));
  if (user == nullptr) return Refuse(40003);
  if (user->blacklisted) return Refuse(43019);
  if (user->refuses_messages) return Refuse(48002);
  if (const int errcode = context.account->SpendAllowance(*user); errcode != 0) {
    return Refuse(errcode);
  }
  ChatLine line;
  line.kind = type_name;
  line.text = type_name == "text" ? StringField(payload->value().get_object(), "content")
                                  : json::serialize(payload->value());
  context.account->Say(user->openid, std::move(line));
  ApiAnswer answer;
  answer.outcome = "accepted";
  answer.counted = true;
  return answer;
}

ApiAnswer SetTyping(ApiContext& context) {
  std::string openid, command;
  const std::string error =
      FieldReader(context.body).String("touser", &openid).String("command", &command).Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  if (command != "Typing" && command != "CancelTyping") return Refuse(45072);
  User* user = context.account->FindUser(openid);
  if (user == nullptr) return Refuse(40003);
  const AccountSettings& settings = context.account->settings;
  const Time now = context.platform.clock.Now();
  const bool window_open = user->window_until > now;
  if (!user->subscribed || (settings.enforce_window && !window_open)) return Refuse(45080);
  if (command == "CancelTyping") {
    user->typing_until = {};
    return {};
  }
  if (user->typing_until > now) return Refuse(45081);
  user->typing_until = now + kTypingLasts;
  return {};
}

}  // namespace hongyan::sandbox
