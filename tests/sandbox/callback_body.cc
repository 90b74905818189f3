#include "callback_body.h"

#include <boost/json/serialize.hpp>
#include <charconv>

#include "fields.h"

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

// Decimals as people write them, 23.137466, where Boost would write 2.3137466E1.
std::string Number(const json::value& value) {
  const double* decimal = value.if_double();
  if (decimal == nullptr) return json::serialize(value);
  char digits[512];
  const auto end =
      std::to_chars(digits, digits + sizeof(digits), *decimal, std::chars_format::fixed);
  return {digits, end.ptr};
}

void WriteElement(const std::string& name, const json::value& value, std::string* out) {
  if (const json::array* items = value.if_array()) {
    for (const json::value& item : *items) WriteElement(name, item, out);
    return;
  }
  out->append("<").append(name).append(">");
  if (const json::string* text = value.if_string()) {
    *out += Cdata(std::string_view(text->data(), text->size()));
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) {
      WriteElement(std::string(member.key()), member.value(), out);
    }
  } else if (!value.is_null()) {
    *out += Number(value);
  }
  out->append("</").append(name).append(">");
}

void WriteValue(const json::value& value, std::string* out) {
  std::string separator;
  if (const json::array* items = value.if_array()) {
    *out += '[';
    for (const json::value& item : *items) {
      *out += separator;
      WriteValue(item, out);
      separator = ",";
    }
    *out += ']';
  } else if (const json::object* object = value.if_object()) {
    *out += '{';
    for (const auto& member : *object) {
      out->append(separator).append(json::serialize(json::value(member.key()))).append(":");
      WriteValue(member.value(), out);
      separator = ",";
    }
    *out += '}';
  } else {
    *out += Number(value);
  }
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// The numbers at any depth become strings.
json::value WithTexts(const json::value& value) {
  if (value.is_number()) return json::value(Number(value));
  if (const json::array* items = value.if_array()) {
    json::array out;
    for (const json::value& item : *items) out.push_back(WithTexts(item));
    return out;
  }
  if (const json::object* object = value.if_object()) {
    json::object out;
    for (const auto& member : *object) out[member.key()] = WithTexts(member.value());
    return out;
  }
  return value;
}

// subscribe_msg_* events lose their wrapper, a List of one its brackets, and numbers their type.
json::object AsSubscriptionJson(const json::object& fields) {
  json::object out;
  for (const auto& member : fields) {
    const json::object* wrapper = member.value().if_object();
    const json::value* list = wrapper == nullptr ? nullptr : wrapper->if_contains("List");
    if (list == nullptr) {
      out[member.key()] = WithTexts(member.value());
      continue;
    }
    const json::array* items = list->if_array();
    const bool of_one = items != nullptr && items->size() == 1;
    out["List"] = WithTexts(of_one ? items->front() : *list);
  }
  return out;
}

}  // namespace

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

std::string WriteCallbackJson(const Envelope& envelope, const json::object& fields) {
  json::object all = {{"ToUserName", envelope.to_user},
                      {"FromUserName", envelope.from_user},
                      {"CreateTime", envelope.create_time},
                      {"MsgType", envelope.msg_type}};
  const bool subscription = StartsWith(StringField(fields, "Event"), "subscribe_msg_");
  if (subscription) all["CreateTime"] = std::to_string(envelope.create_time);
  for (const auto& member : subscription ? AsSubscriptionJson(fields) : fields) {
    all[member.key()] = member.value();
  }
  std::string out;
  WriteValue(all, &out);
  return out;
}

}  // namespace hongyan::sandbox
