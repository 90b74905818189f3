#include "server/wechat/api_json.h"

#include <boost/json/array.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/text.h"
#include "server/base/timestamp.h"

namespace hongyan::wechat {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxToken = 1024;  // WeChat says to reserve 512
constexpr std::int64_t kMaxTokenLife = 30 * 86400;

absl::Status Unintelligible(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("unintelligible answer: ", what));
}

json::string_view View(const std::string& s) { return {s.data(), s.size()}; }

// Raw control characters inside strings, ill-formed UTF-8 and halves of escaped characters replaced. Blanks between
// tokens may stay: a space is as good as a tab there.
std::string Sanitized(const std::string& body) {
  std::string clean = base::ToUtf8(body);
  base::MendJsonEscapes(clean);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return clean;
}

std::optional<json::value> Parse(const std::string& text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  json::parser parser({}, options);
  parser.write(text.data(), text.size(), error);
  if (error) return std::nullopt;
  return parser.release();
}

// An integer, or a string that holds one. A double never: it may have lost digits.
std::optional<std::int64_t> AsInt(const json::value& value) {
  if (const auto* i = value.if_int64()) return *i;
  if (const auto* u = value.if_uint64()) {
    if (*u > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return std::nullopt;
    return static_cast<std::int64_t>(*u);
  }
  if (const auto* s = value.if_string()) {
    std::int64_t parsed = 0;
    if (absl::SimpleAtoi(absl::string_view(s->data(), s->size()), &parsed)) return parsed;
  }
  return std::nullopt;
}

// Absent: `fallback`. Present but not an integer in range: nothing.
template <typename Int>
std::optional<Int> IntField(const json::object& object, json::string_view key, Int fallback) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return fallback;
  const auto parsed = AsInt(*value);
  if (!parsed || *parsed < std::numeric_limits<Int>::min() ||
      *parsed > std::numeric_limits<Int>::max()) {
    return std::nullopt;
  }
  return static_cast<Int>(*parsed);
}

std::string StringField(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return "";
  if (const auto* s = value->if_string()) return std::string(s->data(), s->size());
  if (const auto number = AsInt(*value)) return absl::StrCat(*number);
  return "";
}

absl::StatusOr<UserInfo> UserFrom(const json::object& object) {
  UserInfo user;
  user.openid = StringField(object, "openid");
  if (user.openid.empty()) return Unintelligible("a user without openid");
  const auto subscribe = IntField<std::int64_t>(object, "subscribe", 0);
  const auto subscribe_time = IntField<std::int64_t>(object, "subscribe_time", 0);
  const auto group_id = IntField<std::int32_t>(object, "groupid", 0);
  const auto qr_scene = IntField<std::int64_t>(object, "qr_scene", 0);
  const auto sex = IntField<std::int32_t>(object, "sex", 0);
  if (!subscribe || !subscribe_time || !group_id || !qr_scene || !sex || *subscribe_time < 0 ||
      *subscribe_time > base::kLastTimestampSecond) {
    return Unintelligible("a user with a number that is none");
  }
  user.subscribed = *subscribe != 0;
  user.subscribe_time_seconds = *subscribe_time;
  user.group_id = *group_id;
  user.qr_scene = *qr_scene;
  user.sex = *sex;
  user.unionid = StringField(object, "unionid");
  user.subscribe_scene = StringField(object, "subscribe_scene");
  user.remark = StringField(object, "remark");
  user.qr_scene_str = StringField(object, "qr_scene_str");
  user.language = StringField(object, "language");
  user.nickname = StringField(object, "nickname");
  user.head_image_url = StringField(object, "headimgurl");
  user.city = StringField(object, "city");
  user.province = StringField(object, "province");
  user.country = StringField(object, "country");
  if (const auto* tags = object.if_contains("tagid_list"); tags != nullptr && tags->is_array()) {
    for (const json::value& tag : tags->get_array()) {
      const auto id = AsInt(tag);
      if (!id || *id < 0 || *id > std::numeric_limits<std::int32_t>::max()) {
        return Unintelligible("a user with a tag that is no number");
      }
      user.tag_ids.push_back(static_cast<std::int32_t>(*id));
    }
  }
  return user;
}

}  // namespace

absl::StatusOr<ApiAnswer> ParseAnswer(std::string body) {
  if (body.compare(0, 3, "\xEF\xBB\xBF") == 0) body.erase(0, 3);
  std::optional<json::value> value = Parse(body);
  if (!value) value = Parse(Sanitized(body));
  if (!value) return Unintelligible("not JSON");
  if (!value->is_object()) return Unintelligible("not a JSON object");
  ApiAnswer answer;
  answer.json = std::move(value->get_object());
  if (const auto* errcode = answer.json.if_contains("errcode")) {
    const auto number = AsInt(*errcode);
    // Codes are 32-bit; what is wider is no errcode of WeChat's.
    if (!number || *number < std::numeric_limits<std::int32_t>::min() ||
        *number > std::numeric_limits<std::int32_t>::max()) {
      return Unintelligible("errcode is no number");
    }
    answer.errcode = *number;
    answer.has_errcode = true;
  }
  answer.errmsg = StringField(answer.json, "errmsg");
  return answer;
}

std::string CustomSendBody(const std::string& openid, const TextMessage& message) {
  json::object body;
  body["touser"] = View(openid);
  body["msgtype"] = "text";
  body["text"] = json::object{{"content", View(message.content)}};
  if (!message.kf_account.empty()) {
    body["customservice"] = json::object{{"kf_account", View(message.kf_account)}};
  }
  return json::serialize(body);
}

std::string TypingBody(const std::string& openid, bool cancel) {
  json::object body;
  body["touser"] = View(openid);
  body["command"] = cancel ? "CancelTyping" : "Typing";
  return json::serialize(body);
}

std::string TemplateSendBody(const std::string& openid, const TemplateMessage& message,
                             const std::string& client_msg_id) {
  json::object body;
  body["touser"] = View(openid);
  body["template_id"] = View(message.template_id);
  if (!message.url.empty()) body["url"] = View(message.url);
  if (!message.mini_program_app_id.empty()) {
    json::object mini_program;
    mini_program["appid"] = View(message.mini_program_app_id);
    if (!message.mini_program_page_path.empty()) {
      mini_program["pagepath"] = View(message.mini_program_page_path);
    }
    body["miniprogram"] = std::move(mini_program);
  }
  if (!client_msg_id.empty()) body["client_msg_id"] = View(client_msg_id);
  json::object data;
  for (const auto& [key, value] : message.data) {
    data[View(key)] = json::object{{"value", View(value)}};
  }
  body["data"] = std::move(data);
  return json::serialize(body);
}

std::string StableTokenBody(const std::string& app_id, const std::string& app_secret, bool force) {
  json::object body;
  body["grant_type"] = "client_credential";
  body["appid"] = View(app_id);
  body["secret"] = View(app_secret);
  body["force_refresh"] = force;
  return json::serialize(body);
}

std::string BatchGetBody(const std::vector<std::string>& openids, const std::string& lang) {
  json::array list;
  for (const std::string& openid : openids) {
    json::object user;
    user["openid"] = View(openid);
    if (!lang.empty()) user["lang"] = View(lang);
    list.push_back(std::move(user));
  }
  json::object body;
  body["user_list"] = std::move(list);
  return json::serialize(body);
}

std::string QuotaGetBody(const std::string& api) {
  json::object body;
  body["cgi_path"] = View(api);
  return json::serialize(body);
}

absl::StatusOr<TokenGrant> ReadToken(const ApiAnswer& answer) {
  const auto* token = answer.json.if_contains("access_token");
  const auto* expires_in = answer.json.if_contains("expires_in");
  if (token == nullptr || !token->is_string() || token->get_string().empty() ||
      token->get_string().size() > kMaxToken) {
    return Unintelligible("no access_token of 1 to 1024 bytes");
  }
  const auto seconds = expires_in == nullptr ? std::nullopt : AsInt(*expires_in);
  if (!seconds || *seconds <= 0 || *seconds > kMaxTokenLife) {
    return Unintelligible("expires_in is no sensible number of seconds");
  }
  const auto& text = token->get_string();
  return TokenGrant{std::string(text.data(), text.size()), *seconds};
}

absl::StatusOr<std::int64_t> ReadMsgId(const ApiAnswer& answer) {
  const auto id = IntField<std::int64_t>(answer.json, "msgid", 0);
  if (!id || *id < 0) return Unintelligible("msgid is no number");
  return *id;
}

absl::StatusOr<UserInfo> ReadUser(const ApiAnswer& answer) { return UserFrom(answer.json); }

absl::StatusOr<std::vector<UserInfo>> ReadUsers(const ApiAnswer& answer) {
  const auto* list = answer.json.if_contains("user_info_list");
  if (list == nullptr || !list->is_array()) return Unintelligible("no user_info_list");
  std::vector<UserInfo> users;
  for (const json::value& entry : list->get_array()) {
    if (!entry.is_object()) return Unintelligible("user_info_list holds something else");
    auto user = UserFrom(entry.get_object());
    if (!user.ok()) return user.status();
    users.push_back(*std::move(user));
  }
  return users;
}

absl::StatusOr<FollowerPage> ReadFollowers(const ApiAnswer& answer, const std::string& asked) {
  FollowerPage page;
  // Without it an answer of another kind would read as an account without followers.
  if (!answer.json.contains("total")) return Unintelligible("no total");
  const auto total = IntField<std::int64_t>(answer.json, "total", 0);
  if (!total || *total < 0) return Unintelligible("total is no number");
  page.total = *total;
  const auto count = IntField<std::int64_t>(answer.json, "count", 0);
  if (!count) return Unintelligible("count is no number");
  const auto* data = answer.json.if_contains("data");
  if (data == nullptr) {
    if (*count != 0) return Unintelligible("count without data");
    return page;
  }
  if (!data->is_object()) return Unintelligible("data is no object");
  const auto* list = data->get_object().if_contains("openid");
  if (list == nullptr || !list->is_array()) return Unintelligible("no data.openid");
  for (const json::value& entry : list->get_array()) {
    if (!entry.is_string()) return Unintelligible("data.openid holds something else");
    page.openids.emplace_back(entry.get_string());
  }
  page.next_openid = StringField(answer.json, "next_openid");
  if (page.openids.empty() || page.next_openid == asked) page.next_openid.clear();
  return page;
}

absl::StatusOr<std::vector<TemplateInfo>> ReadTemplates(const ApiAnswer& answer) {
  const auto* list = answer.json.if_contains("template_list");
  if (list == nullptr || !list->is_array()) return Unintelligible("no template_list");
  std::vector<TemplateInfo> templates;
  for (const json::value& entry : list->get_array()) {
    if (!entry.is_object()) return Unintelligible("template_list holds something else");
    const json::object& object = entry.get_object();
    templates.push_back({StringField(object, "template_id"), StringField(object, "title"),
                         StringField(object, "content")});
  }
  return templates;
}

}  // namespace hongyan::wechat
