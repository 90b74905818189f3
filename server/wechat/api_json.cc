#include "server/wechat/api_json.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
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
constexpr std::size_t kMaxOpenid = 128;

absl::Status Unintelligible(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("unintelligible answer: ", what));
}

json::string_view View(const std::string& s) { return {s.data(), s.size()}; }

// Raw control characters inside strings, ill-formed UTF-8 and halves of escaped characters
// replaced. Blanks between tokens may stay: a space is as good as a tab there.
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

// null is as good as absent.
const json::value* Field(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void NoteOdd(json::string_view key, OddFields& odd) { odd.emplace(key.data(), key.size()); }

template <typename Int>
std::optional<Int> IntInRange(const json::value& value, Int least, Int most) {
  const auto parsed = AsInt(value);
  if (!parsed || *parsed < least || *parsed > most) return std::nullopt;
  return static_cast<Int>(*parsed);
}

// 0 where it is absent or odd.
template <typename Int>
Int IntField(const json::object& object, json::string_view key, OddFields& odd,
             Int least = std::numeric_limits<Int>::min(),
             Int most = std::numeric_limits<Int>::max()) {
  const auto* value = Field(object, key);
  if (value == nullptr) return 0;
  const auto parsed = IntInRange<Int>(*value, least, most);
  if (!parsed) NoteOdd(key, odd);
  return parsed.value_or(0);
}

// A string, or an integer in its digits.
std::optional<std::string> AsText(const json::value& value) {
  if (const auto* s = value.if_string()) return std::string(s->data(), s->size());
  if (const auto number = AsInt(value)) return absl::StrCat(*number);
  return std::nullopt;
}

// Empty where it is absent or odd.
std::string StringField(const json::object& object, json::string_view key, OddFields& odd) {
  const auto* value = Field(object, key);
  if (value == nullptr) return "";
  auto text = AsText(*value);
  if (!text) NoteOdd(key, odd);
  return std::move(text).value_or("");
}

// Empty where there is none by which WeChat would know anybody.
std::string OpenidFrom(const json::value& value) {
  const auto* s = value.if_string();
  if (s == nullptr || s->size() > kMaxOpenid) return "";
  std::string openid(s->data(), s->size());
  return base::IsVisibleAscii(openid) ? openid : "";
}

// Without openid where it doesn't say who it is.
model::User UserFrom(const json::object& object, OddFields& odd) {
  model::User user;
  if (const auto* openid = Field(object, "openid")) user.openid = OpenidFrom(*openid);
  // Neither absence nor nonsense says that somebody left.
  if (const auto* subscribe = Field(object, "subscribe")) {
    if (const auto number = AsInt(*subscribe)) user.subscribed = *number != 0;
  }
  if (!user.subscribed) NoteOdd("subscribe", odd);
  const auto subscribed_at =
      IntField<std::int64_t>(object, "subscribe_time", odd, 0, base::kLastTimestampSecond);
  if (subscribed_at > 0) user.subscribe_time = absl::FromUnixSeconds(subscribed_at);
  model::EachProfileField(user.profile, [&](const model::ProfileField& field, auto& value) {
    using Value = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, std::string>) {
      value = StringField(object, field.wechat_name, odd);
    } else {
      value = IntField<Value>(object, field.wechat_name, odd);
    }
  });
  const auto* tags = Field(object, "tagid_list");
  if (tags == nullptr) return user;
  if (!tags->is_array()) {
    NoteOdd("tagid_list", odd);
    return user;
  }
  for (const json::value& tag : tags->get_array()) {
    const auto id = IntInRange<std::int32_t>(tag, 0, std::numeric_limits<std::int32_t>::max());
    if (id) {
      user.profile.tag_ids.push_back(*id);
    } else {
      NoteOdd("tagid_list", odd);
    }
  }
  return user;
}

// Without the braces around them.
std::string SerializeMembers(const json::object& object) {
  const std::string text = json::serialize(object);
  return text.substr(1, text.size() - 2);
}

model::Message CompileKind(const TextMessage& message) {
  json::object members;
  members["msgtype"] = "text";
  members["text"] = json::object{{"content", View(message.content)}};
  if (!message.kf_account.empty()) {
    members["customservice"] = json::object{{"kf_account", View(message.kf_account)}};
  }
  return {model::MessageKind::kText, SerializeMembers(members)};
}

model::Message CompileKind(const TemplateMessage& message) {
  json::object members;
  members["template_id"] = View(message.template_id);
  if (!message.url.empty()) members["url"] = View(message.url);
  if (!message.mini_program_app_id.empty()) {
    json::object mini_program;
    mini_program["appid"] = View(message.mini_program_app_id);
    if (!message.mini_program_page_path.empty()) {
      mini_program["pagepath"] = View(message.mini_program_page_path);
    }
    members["miniprogram"] = std::move(mini_program);
  }
  json::object data;
  for (const auto& [key, value] : message.data) {
    data[View(key)] = json::object{{"value", View(value)}};
  }
  members["data"] = std::move(data);
  return {model::MessageKind::kTemplate, SerializeMembers(members)};
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
  if (const auto* errmsg = Field(answer.json, "errmsg")) {
    answer.errmsg = AsText(*errmsg).value_or("");
  }
  return answer;
}

model::Message Compile(const MessageContent& content) {
  return std::visit([](const auto& message) { return CompileKind(message); }, content);
}

TemplateMessage ReadTemplate(const model::Message& message) {
  const json::value value = json::parse(absl::StrCat("{", message.payload, "}"));
  const json::object& members = value.as_object();
  const auto text = [](const json::object& object, const char* key) {
    const auto* found = object.if_contains(key);
    return found == nullptr ? std::string() : std::string(found->as_string());
  };
  TemplateMessage read;
  read.template_id = text(members, "template_id");
  read.url = text(members, "url");
  if (const auto* mini_program = members.if_contains("miniprogram")) {
    read.mini_program_app_id = text(mini_program->as_object(), "appid");
    read.mini_program_page_path = text(mini_program->as_object(), "pagepath");
  }
  for (const auto& [key, entry] : members.at("data").as_object()) {
    read.data.emplace(std::string(key), text(entry.as_object(), "value"));
  }
  return read;
}

std::string SendBody(const std::string& openid, const model::Message& message,
                     const std::string& client_msg_id) {
  std::string body =
      absl::StrCat("{\"touser\":", json::serialize(View(openid)), ",", message.payload, "}");
  if (!client_msg_id.empty()) {
    // Before the data, where WeChat's own examples have it. Quotes inside strings are escaped, so
    // this is no value's text.
    const std::size_t data = body.find(",\"data\":{");
    body.insert(data == std::string::npos ? body.size() - 1 : data,
                absl::StrCat(",\"client_msg_id\":", json::serialize(View(client_msg_id))));
  }
  return body;
}

std::string TypingBody(const std::string& openid, bool cancel) {
  json::object body;
  body["touser"] = View(openid);
  body["command"] = cancel ? "CancelTyping" : "Typing";
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
  const auto* value = Field(answer.json, "msgid");
  if (value == nullptr) return 0;
  const auto id = AsInt(*value);
  if (!id || *id < 0) return Unintelligible("msgid is no number");
  return *id;
}

absl::StatusOr<model::User> ReadUser(const ApiAnswer& answer, const std::string& asked,
                                     OddFields& odd) {
  model::User user = UserFrom(answer.json, odd);
  if (user.openid.empty()) {
    NoteOdd("openid", odd);
    if (!user.subscribed) return Unintelligible("neither openid nor subscribe");
    user.openid = asked;
  }
  return user;
}

absl::StatusOr<UserBatch> ReadUsers(const ApiAnswer& answer, OddFields& odd) {
  const auto* list = answer.json.if_contains("user_info_list");
  if (list == nullptr || !list->is_array()) return Unintelligible("no user_info_list");
  UserBatch batch;
  for (const json::value& entry : list->get_array()) {
    const auto* object = entry.if_object();
    OddFields odd_here;
    model::User user = object == nullptr ? model::User{} : UserFrom(*object, odd_here);
    if (!user.openid.empty()) {
      batch.users.push_back(std::move(user));
      odd.merge(odd_here);
    } else {
      ++batch.unusable;
      NoteOdd("user_info_list", odd);
    }
  }
  return batch;
}

absl::StatusOr<FollowerPage> ReadFollowers(const ApiAnswer& answer, const std::string& asked,
                                           OddFields& odd) {
  FollowerPage page;
  // Without it an answer of another kind would read as an account without followers.
  const auto* total = Field(answer.json, "total");
  if (total == nullptr) return Unintelligible("no total");
  const auto followers =
      IntInRange<std::int64_t>(*total, 0, std::numeric_limits<std::int64_t>::max());
  if (!followers) return Unintelligible("total is no number");
  page.total = *followers;
  const auto* data = answer.json.if_contains("data");
  if (data == nullptr) {
    // Here it is the only word about the page.
    const auto* count = Field(answer.json, "count");
    if (count != nullptr && AsInt(*count) != 0) return Unintelligible("count without data");
    return page;
  }
  if (!data->is_object()) return Unintelligible("data is no object");
  const auto* list = data->get_object().if_contains("openid");
  if (list == nullptr || !list->is_array()) return Unintelligible("no data.openid");
  for (const json::value& entry : list->get_array()) {
    std::string openid = OpenidFrom(entry);
    if (openid.empty()) {
      ++page.unusable;
      NoteOdd("data.openid", odd);
    } else {
      page.openids.push_back(std::move(openid));
    }
  }
  page.next_openid = StringField(answer.json, "next_openid", odd);
  const bool is_empty = page.openids.empty() && page.unusable == 0;
  if (is_empty || page.next_openid == asked) page.next_openid.clear();
  return page;
}

absl::StatusOr<TemplateList> ReadTemplates(const ApiAnswer& answer, OddFields& odd) {
  const auto* list = answer.json.if_contains("template_list");
  if (list == nullptr || !list->is_array()) return Unintelligible("no template_list");
  TemplateList templates;
  for (const json::value& entry : list->get_array()) {
    TemplateInfo info;
    const auto* object = entry.if_object();
    if (object != nullptr) info.template_id = StringField(*object, "template_id", odd);
    if (info.template_id.empty()) {
      ++templates.unusable;
      NoteOdd("template_list", odd);
      continue;
    }
    info.title = StringField(*object, "title", odd);
    const auto* content = Field(*object, "content");
    info.has_content = content != nullptr && content->is_string();
    if (info.has_content) {
      info.content = std::string(content->get_string());
    } else {
      NoteOdd("content", odd);
    }
    templates.templates.push_back(std::move(info));
  }
  return templates;
}

}  // namespace hongyan::wechat
