#include "callback_reply.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fields.h"
#include "text.h"

namespace hongyan::sandbox {
namespace {

using Fields = std::map<std::string, std::string>;

std::string DecodeEntities(std::string_view text) {
  static const std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool replaced = false;
    for (const auto& [entity, c] : kEntities) {
      if (text.substr(i, entity.size()) != entity) continue;
      out += c;
      i += entity.size() - 1;
      replaced = true;
      break;
    }
    if (!replaced) out += text[i];
  }
  return out;
}

// Reads <xml><Name>text</Name>…</xml>. An element inside an element goes by both names,
// Image.MediaId; one that comes again (item) has its number, Articles.item, Articles.item#2 …
class ReplyReader {
 public:
  explicit ReplyReader(std::string_view text) : text_(text) {}

  std::optional<Fields> Read() {
    SkipBlanks();
    if (!Take("<xml>") || !Children("", "</xml>", 0)) return std::nullopt;
    SkipBlanks();
    if (at_ != text_.size()) return std::nullopt;
    return fields_;
  }

 private:
  static constexpr int kDepth = 4;

  void SkipBlanks() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  bool Next(std::string_view expected) const {
    return text_.substr(at_, expected.size()) == expected;
  }
  bool Take(std::string_view expected) {
    if (!Next(expected)) return false;
    at_ += expected.size();
    return true;
  }
  std::string OpeningName() {
    if (!Take("<")) return "";
    const size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) return "";
    std::string name(text_.substr(at_, end - at_));
    at_ = end + 1;
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    return plain ? name : "";
  }
  // Up to and with `closing`.
  bool Children(const std::string& prefix, const std::string& closing, int depth) {
    if (depth > kDepth) return false;
    for (SkipBlanks(); !Take(closing); SkipBlanks()) {
      const std::string name = OpeningName();
      if (name.empty() || !Element(prefix, name, depth)) return false;
    }
    return true;
  }
  bool Element(const std::string& prefix, const std::string& name, int depth) {
    const std::string closing = "</" + name + ">";
    std::string path = prefix + name;
    if (const int count = ++seen_[path]; count > 1) path += "#" + std::to_string(count);
    const size_t content = at_;
    SkipBlanks();
    if (Next("<") && !Next("<![CDATA[") && !Next(closing)) {
      fields_[path] = "";
      return Children(path + ".", closing, depth + 1);
    }
    at_ = content;
    return Content(closing, &fields_[path]);
  }
  bool Content(const std::string& closing, std::string* out) {
    while (!Take(closing)) {
      if (at_ >= text_.size()) return false;
      if (Take("<![CDATA[")) {
        const size_t end = text_.find("]]>", at_);
        if (end == std::string_view::npos) return false;
        *out += text_.substr(at_, end - at_);
        at_ = end + 3;
        continue;
      }
      const size_t next = std::min(text_.find('<', at_ + 1), text_.size());
      const std::string_view piece = text_.substr(at_, next - at_);
      if (piece.find("]]>") != std::string_view::npos || piece.front() == '<') return false;
      *out += DecodeEntities(piece);
      at_ = next;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  Fields fields_;
  std::map<std::string, int> seen_;
};

// The same names as in XML: the objects of an array are items.
void Flatten(const json::value& value, const std::string& path, Fields* fields) {
  if (const json::object* object = value.if_object()) {
    if (!path.empty()) (*fields)[path] = "";
    for (const auto& member : *object) {
      Flatten(member.value(), (path.empty() ? "" : path + ".") + std::string(member.key()), fields);
    }
  } else if (const json::array* array = value.if_array()) {
    (*fields)[path] = "";
    for (size_t i = 0; i < array->size(); ++i) {
      Flatten((*array)[i], path + ".item" + (i == 0 ? "" : "#" + std::to_string(i + 1)), fields);
    }
  } else if (const json::string* text = value.if_string()) {
    (*fields)[path] = std::string(text->data(), text->size());
  } else {
    (*fields)[path] = json::serialize(value);
  }
}

std::optional<Fields> ReadJson(const std::string& body) {
  json::error_code error;
  const json::value document = json::parse(body, error);
  if (error || !document.is_object()) return std::nullopt;
  Fields fields;
  Flatten(document, "", &fields);
  return fields;
}

std::string Get(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

// What each type of reply cannot do without, and what else it may have inside.
struct ReplyType {
  const char* name;
  const char* inside;  // the element around its fields; none: they stand beside the envelope's
  std::vector<std::string_view> required;
  std::vector<std::string_view> optional;
};

const std::vector<ReplyType>& Types() {
  static const std::vector<ReplyType> kTypes = {
      {"text", "", {"Content"}, {}},
      {"image", "Image", {"MediaId"}, {}},
      {"voice", "Voice", {"MediaId"}, {}},
      {"video", "Video", {"MediaId"}, {"Title", "Description"}},
      {"music", "Music", {"ThumbMediaId"}, {"Title", "Description", "MusicUrl", "HQMusicUrl"}},
      {"news", "Articles", {}, {}},
      {"transfer_customer_service", "", {}, {"TransInfo", "TransInfo.KfAccount"}},
      {"transfer_biz_ai_ivr", "", {}, {}}};
  return kTypes;
}

constexpr size_t kMaxText = 2048;

// Each article has a title and a link; the articles are as many as ArticleCount says.
std::string CheckArticles(const Fields& fields, bool answers_message) {
  int64_t count = 0;
  const bool counted = ParseInt(Get(fields, "ArticleCount"), &count);
  if (!counted || count < 1 || count > (answers_message ? 1 : 8)) {
    return "ArticleCount: 1 to 8, and 1 for a message";
  }
  const auto item = [](int64_t number) {
    return "Articles.item" + (number == 1 ? std::string() : "#" + std::to_string(number));
  };
  if (fields.count(item(count)) == 0 || fields.count(item(count + 1)) != 0) {
    return "Articles are not as many as ArticleCount says";
  }
  for (int64_t i = 1; i <= count; ++i) {
    for (const char* name : {"Title", "Url"}) {
      if (Get(fields, item(i) + "." + name).empty()) {
        return "Articles: " + std::string(name) + " is missing";
      }
    }
  }
  return "";
}

std::string CheckType(const ReplyType& type, const Fields& fields, bool answers_message) {
  if (std::string_view(type.name) == "news") return CheckArticles(fields, answers_message);
  const std::string prefix = *type.inside == 0 ? "" : std::string(type.inside) + ".";
  for (const std::string_view name : type.required) {
    const std::string path = prefix + std::string(name);
    if (Get(fields, path).empty()) {
      return path + (fields.count(path) == 0 ? " is missing" : " is empty");
    }
  }
  if (Get(fields, "Content").size() > kMaxText) return "Content is longer than 2048 bytes";
  for (const auto& [path, value] : fields) {
    static const std::vector<std::string_view> kEnvelope = {"ToUserName", "FromUserName",
                                                            "CreateTime", "MsgType"};
    const auto holds = [&, known = std::string_view(path)](const auto& names,
                                                           const std::string& before) {
      return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        return known == before + std::string(name);
      });
    };
    const bool known = path == type.inside || holds(kEnvelope, "") ||
                       holds(type.required, prefix) || holds(type.optional, prefix);
    if (!known) return path + " does not belong into a reply of this type";
  }
  return "";
}

std::string CheckReply(const Fields& fields, const Envelope& sent) {
  if (Get(fields, "ToUserName") != sent.from_user || Get(fields, "FromUserName") != sent.to_user) {
    return "ToUserName and FromUserName of the reply are not swapped";
  }
  int64_t create_time = 0;
  if (!ParseInt(Get(fields, "CreateTime"), &create_time)) return "CreateTime is not a number";
  const std::string kind = Get(fields, "MsgType");
  if (kind.empty()) return "MsgType is missing";
  const auto type = std::find_if(Types().begin(), Types().end(),
                                 [&kind](const ReplyType& each) { return kind == each.name; });
  if (type == Types().end()) return "MsgType is none of a reply's";
  return CheckType(*type, fields, sent.msg_type != "event");
}

PassiveReply ReadPlain(const std::string& body, const Envelope& sent, CallbackFormat format) {
  if (!DecodeUtf8(body, nullptr)) return {"", "", "the reply is not UTF-8", ""};
  const bool is_json = format == CallbackFormat::kJson;
  const std::optional<Fields> fields = is_json ? ReadJson(body) : ReplyReader(body).Read();
  if (!fields.has_value()) {
    return {"", "",
            is_json ? "neither success, nor empty, nor a reply in JSON"
                    : "neither success, nor empty, nor a reply in XML",
            ""};
  }
  std::string error = CheckReply(*fields, sent);
  if (!error.empty()) return {"", "", std::move(error), ""};
  const std::string kind = Get(*fields, "MsgType");
  return {kind, kind == "text" ? Get(*fields, "Content") : body, "", ""};
}

}  // namespace

PassiveReply ReadPassiveReply(const std::string& body, const Envelope& sent,
                              const ReplyRules& rules) {
  if (body.empty()) return {"empty", "", "", ""};
  if (body == "success") return {"success", "", "", ""};
  const std::optional<Fields> fields =
      rules.format == CallbackFormat::kJson ? ReadJson(body) : ReplyReader(body).Read();
  const bool encrypted = fields.has_value() && fields->count("Encrypt") != 0;
  if (rules.mode == CallbackMode::kPlain || !encrypted) {
    if (rules.mode == CallbackMode::kSafe) {
      return {"", "", "a reply in safe mode must be encrypted", ""};
    }
    return ReadPlain(body, sent, rules.format);
  }
  const std::string encrypt = Get(*fields, "Encrypt");
  const std::string timestamp = Get(*fields, "TimeStamp");
  int64_t seconds = 0;
  if (!ParseInt(timestamp, &seconds)) return {"", "", "TimeStamp is not a number", ""};
  if (Get(*fields, "MsgSignature") !=
      CallbackSignature({rules.token, timestamp, Get(*fields, "Nonce"), encrypt})) {
    return {"", "", "MsgSignature is wrong", ""};
  }
  Decrypted opened = Decrypt(rules.aes_key, encrypt, rules.app_id);
  if (!opened.error.empty()) return {"", "", std::move(opened.error), ""};
  PassiveReply reply = ReadPlain(opened.message, sent, rules.format);
  reply.decrypted = std::move(opened.message);
  return reply;
}

}  // namespace hongyan::sandbox
