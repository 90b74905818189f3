#include "callback_reply.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <optional>
#include <utility>

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

// Reads <xml><Name>text</Name>…</xml>. Elements inside elements are kept as their raw text.
class ReplyReader {
 public:
  explicit ReplyReader(std::string_view text) : text_(text) {}

  std::optional<std::map<std::string, std::string>> Read() {
    std::map<std::string, std::string> fields;
    SkipBlanks();
    if (!Take("<xml>")) return std::nullopt;
    for (SkipBlanks(); !Take("</xml>"); SkipBlanks()) {
      const std::string name = OpeningName();
      std::string content;
      if (name.empty() || !Content(name, &content)) return std::nullopt;
      fields[name] = content;
    }
    SkipBlanks();
    if (at_ != text_.size()) return std::nullopt;
    return fields;
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  bool Take(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
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
  bool Content(const std::string& name, std::string* out) {
    const std::string closing = "</" + name + ">";
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
      *out += DecodeEntities(text_.substr(at_, next - at_));
      at_ = next;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<Fields> ReadJson(const std::string& body) {
  json::error_code error;
  const json::value document = json::parse(body, error);
  if (error || !document.is_object()) return std::nullopt;
  Fields fields;
  for (const auto& member : document.get_object()) {
    const json::string* text = member.value().if_string();
    fields[std::string(member.key())] =
        text == nullptr ? json::serialize(member.value()) : std::string(text->data(), text->size());
  }
  return fields;
}

std::string Get(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

// What each type of reply cannot do without: an element, and what must stand in it.
struct ReplyType {
  const char* name;
  const char* element;
  const char* inside;
};
constexpr ReplyType kTypes[] = {{"text", "Content", ""},
                                {"image", "Image", "MediaId"},
                                {"voice", "Voice", "MediaId"},
                                {"video", "Video", "MediaId"},
                                {"music", "Music", "ThumbMediaId"},
                                {"news", "Articles", "Title"},
                                {"transfer_customer_service", nullptr, nullptr},
                                {"transfer_biz_ai_ivr", nullptr, nullptr}};

std::string CheckReply(const Fields& fields, const Envelope& sent) {
  if (Get(fields, "ToUserName") != sent.from_user || Get(fields, "FromUserName") != sent.to_user) {
    return "ToUserName and FromUserName of the reply are not swapped";
  }
  int64_t create_time = 0;
  if (!ParseInt(Get(fields, "CreateTime"), &create_time)) return "CreateTime is not a number";
  const std::string kind = Get(fields, "MsgType");
  if (kind.empty()) return "MsgType is missing";
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&kind](const ReplyType& each) { return kind == each.name; });
  if (type == std::end(kTypes)) return "MsgType is none of a reply's";
  if (type->element == nullptr) return "";
  const std::string content = Get(fields, type->element);
  if (content.empty()) return std::string(type->element) + " is empty";
  if (content.find(type->inside) == std::string::npos) {
    return std::string(type->inside) + " is missing";
  }
  if (kind != "news") return "";
  int64_t articles = 0;
  const bool counted = ParseInt(Get(fields, "ArticleCount"), &articles);
  const bool answers_message = sent.msg_type != "event";
  if (!counted || articles < 1 || articles > (answers_message ? 1 : 8)) {
    return "ArticleCount: 1 to 8, and 1 for a message";
  }
  return "";
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
