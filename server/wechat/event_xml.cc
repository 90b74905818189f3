#include "server/wechat/event_xml.h"

#include <tinyxml2.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/wechat/xml_scan.h"

namespace hongyan::wechat {
namespace {

// The texts of an element that has no elements inside, joined: a content with "]]>" in it comes as
// several nodes.
std::string JoinedText(const tinyxml2::XMLElement& element) {
  std::string text;
  for (const auto* node = element.FirstChild(); node != nullptr; node = node->NextSibling()) {
    if (const auto* piece = node->ToText()) text += piece->Value();
  }
  return text;
}

// Recursion ends at kMaxPushDepth, which the scan has made sure of.
void Collect(const tinyxml2::XMLElement& parent, const std::string& prefix,
             PushedEvent::Fields& fields) {
  for (const auto* child = parent.FirstChildElement(); child != nullptr;
       child = child->NextSiblingElement()) {
    const std::string name = prefix + child->Name();
    if (child->FirstChildElement() == nullptr) {
      fields.emplace_back(name, JoinedText(*child));
    } else {
      Collect(*child, name + ".", fields);
    }
  }
}

}  // namespace

absl::StatusOr<PushedEvent::Fields> ReadEventXml(absl::string_view body) {
  const auto clean = ScanXml(body);
  if (!clean.ok()) return clean.status();
  tinyxml2::XMLDocument document;
  if (document.Parse(clean->data(), clean->size()) != tinyxml2::XML_SUCCESS ||
      document.RootElement() == nullptr) {
    return absl::InvalidArgumentError("not well-formed XML");
  }
  PushedEvent::Fields fields;
  Collect(*document.RootElement(), "", fields);
  return fields;
}

std::string Cdata(absl::string_view text) {
  return absl::StrCat("<![CDATA[",
                      absl::StrReplaceAll(CleanText(text), {{"]]>", "]]]]><![CDATA[>"}}), "]]>");
}

}  // namespace hongyan::wechat
