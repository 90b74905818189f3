#include "callback_xml.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>
#include <vector>

#include "fields.h"
#include "text.h"

namespace hongyan::sandbox {
namespace {

std::string Cdata(std::string_view text) {
  std::string out = "<![CDATA[";
  for (size_t begin = 0;;) {
    const size_t end = text.find("]]>", begin);
    if (end == std::string_view::npos) {
      out += text.substr(begin);
      return out + "]]>";
    }
    out += text.substr(begin, end - begin);
    out += "]]]]><![CDATA[>";
    begin = end + 3;
  }
}

void WriteElement(const std::string& name, const json::value& value, std::string* out) {
  if (const json::array* items = value.if_array()) {
    for (const json::value& item : *items) WriteElement(name, item, out);
    return;
  }
  *out += "<" + name + ">";
  if (const json::string* text = value.if_string()) {
    *out += Cdata(std::string_view(text->data(), text->size()));
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      WriteElement(std::string(member.key()), member.value(), out);
    }
  } else if (!value.is_null()) {
    *out += json::serialize(value);
  }
  *out += "</" + name + ">";
}

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

}  // namespace

std::string CallbackSignature(const std::string& token, const std::string& timestamp,
                              const std::string& nonce) {
  std::vector<std::string> parts = {token, timestamp, nonce};
  std::sort(parts.begin(), parts.end());
  return Sha1Hex(parts[0] + parts[1] + parts[2]);
}

std::string WriteCallbackXml(const Envelope& envelope, const json::object& fields) {
  std::string out = "<xml>";
  WriteElement("ToUserName", json::value(envelope.to_user), &out);
  WriteElement("FromUserName", json::value(envelope.from_user), &out);
  WriteElement("CreateTime", json::value(envelope.create_time), &out);
  WriteElement("MsgType", json::value(envelope.msg_type), &out);
  for (const auto& member : fields) {
    WriteElement(std::string(member.key()), member.value(), &out);
  }
  return out + "</xml>";
}

PassiveReply ReadPassiveReply(const std::string& body, const Envelope& sent) {
  if (body.empty()) return {"empty", "", ""};
  if (body == "success") return {"success", "", ""};
  if (!DecodeUtf8(body, nullptr)) return {"", "", "the reply is not UTF-8"};
  const auto fields = ReplyReader(body).Read();
  if (!fields.has_value()) return {"", "", "neither success, nor empty, nor a reply in XML"};
  const auto get = [&fields](const char* name) {
    const auto found = fields->find(name);
    return found == fields->end() ? std::string() : found->second;
  };
  if (get("ToUserName") != sent.from_user || get("FromUserName") != sent.to_user) {
    return {"", "", "ToUserName and FromUserName of the reply are not swapped"};
  }
  int64_t create_time = 0;
  if (!ParseInt(get("CreateTime"), &create_time)) return {"", "", "CreateTime is not a number"};
  PassiveReply reply{get("MsgType"), "", ""};
  if (reply.kind.empty()) return {"", "", "MsgType is missing"};
  reply.text = reply.kind == "text" ? get("Content") : body;
  if (reply.kind == "text" && reply.text.empty()) return {"", "", "Content is empty"};
  return reply;
}

}  // namespace hongyan::sandbox
