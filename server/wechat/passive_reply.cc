#include "server/wechat/passive_reply.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/wechat/event_xml.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {
namespace {

namespace json = boost::json;

// A reply as WeChat names its parts; the two forms differ only in how this is written down.
struct Element {
  enum class Kind { kText, kNumber, kGroup, kList };  // kList: one unnamed group, XML calls it item

  Element(const char* n, absl::string_view text) : name(n), text(text) {}
  Element(const char* n, std::int64_t number) : name(n), number(number), kind(Kind::kNumber) {}
  Element(const char* n, Kind k, std::vector<Element> elements)
      : name(n), kind(k), inside(std::move(elements)) {}

  const char* name;
  std::string text;
  std::int64_t number = 0;
  Kind kind = Kind::kText;
  std::vector<Element> inside;
};
using Elements = std::vector<Element>;

template <typename T>
void Add(const T& reply, Elements& out) {
  Elements fields;
  for (const ReplyField<T>& field : T::kFields) {
    const std::string& value = reply.*field.member;
    if (field.presence == Presence::kOptional && value.empty()) continue;
    fields.emplace_back(field.wechat_name, value);
  }
  constexpr ReplyForm kForm = T::kForm;
  out.emplace_back("MsgType", kForm.msg_type);
  if (kForm.element == nullptr) {
    std::move(fields.begin(), fields.end(), std::back_inserter(out));
  } else if (kForm.is_list) {
    out.emplace_back("ArticleCount", std::int64_t{1});
    out.emplace_back(kForm.element, Element::Kind::kList, std::move(fields));
  } else if (!fields.empty()) {
    out.emplace_back(kForm.element, Element::Kind::kGroup, std::move(fields));
  }
}

Elements ListElements(absl::string_view to, absl::string_view from, absl::Time now,
                      const Reply& reply) {
  Elements elements{
      {"ToUserName", to}, {"FromUserName", from}, {"CreateTime", absl::ToUnixSeconds(now)}};
  std::visit([&](const auto& each) { Add(each, elements); }, reply);
  return elements;
}

// Both writers recurse no deeper than a reply goes: two levels.
void AppendXml(const Elements& elements, std::string& out) {
  for (const Element& element : elements) {
    absl::StrAppend(&out, "<", element.name, ">");
    switch (element.kind) {
      case Element::Kind::kText:
        out += Cdata(element.text);
        break;
      case Element::Kind::kNumber:
        absl::StrAppend(&out, element.number);
        break;
      case Element::Kind::kGroup:
        AppendXml(element.inside, out);
        break;
      case Element::Kind::kList:
        out += "<item>";
        AppendXml(element.inside, out);
        out += "</item>";
        break;
    }
    absl::StrAppend(&out, "</", element.name, ">");
  }
}

json::object ToJson(const Elements& elements) {
  json::object object;
  for (const Element& element : elements) {
    json::value& value = object[element.name];
    switch (element.kind) {
      case Element::Kind::kText:
        value = CleanText(element.text);
        break;
      case Element::Kind::kNumber:
        value = element.number;
        break;
      case Element::Kind::kGroup:
        value = ToJson(element.inside);
        break;
      case Element::Kind::kList:
        value = json::array{ToJson(element.inside)};
        break;
    }
  }
  return object;
}

}  // namespace

std::string WriteReplyXml(absl::string_view to, absl::string_view from, absl::Time now,
                          const Reply& reply) {
  std::string out = "<xml>";
  AppendXml(ListElements(to, from, now, reply), out);
  out += "</xml>";
  return out;
}

std::string WriteReplyJson(absl::string_view to, absl::string_view from, absl::Time now,
                           const Reply& reply) {
  return json::serialize(ToJson(ListElements(to, from, now, reply)));
}

}  // namespace hongyan::wechat
