// A push in XML: the scan before the parser, the parser, and what becomes of the push; the replies
// in XML.
#include "server/wechat/event_xml.h"

#include <tinyxml2.h>

#include "server/wechat/passive_reply.h"
#include "server/wechat/xml_scan.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/push_checks.h"

namespace hongyan::fuzz {
namespace {

using wechat::ParsePush;
using wechat::PushedEvent;

// What the scan lets through, the parser finds harmless.
class Harmless : public tinyxml2::XMLVisitor {
 public:
  bool VisitEnter(const tinyxml2::XMLElement& element,
                  const tinyxml2::XMLAttribute* attribute) override {
    FUZZ_CHECK(attribute == nullptr);
    FUZZ_CHECK(++elements_ <= wechat::kMaxPushFields);
    FUZZ_CHECK(depth_ != 0 || absl::string_view(element.Name()) == "xml");
    FUZZ_CHECK(depth_++ <= wechat::kMaxPushDepth);
    return true;
  }
  bool VisitExit(const tinyxml2::XMLElement&) override {
    --depth_;
    return true;
  }
  bool Visit(const tinyxml2::XMLDeclaration&) override { FUZZ_CHECK(false); }
  bool Visit(const tinyxml2::XMLUnknown&) override { FUZZ_CHECK(false); }

 private:
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
};

void CheckScan(absl::string_view body) {
  const auto clean = wechat::ScanXml(body);
  if (!clean.ok()) return;
  tinyxml2::XMLDocument document;
  if (document.Parse(clean->data(), clean->size()) == tinyxml2::XML_SUCCESS) {
    Harmless visitor;
    document.Accept(&visitor);
  }
  // There is nothing left to clean.
  const auto again = wechat::ScanXml(*clean);
  FUZZ_CHECK(again.ok() && *again == *clean);
}

void CheckReply(absl::string_view content) {
  const auto reply = ParsePush(wechat::WriteReplyXml("openid", "gh_1", absl::UnixEpoch(),
                                                     wechat::TextReply{std::string(content)}));
  FUZZ_CHECK(reply.ok());
  FUZZ_CHECK(reply->fields.size() == 5 && reply->to_user == "openid" && reply->from_user == "gh_1");
  FUZZ_CHECK(reply->content == WithLineFeeds(wechat::CleanText(content)));
}

void CheckBody(absl::string_view body) {
  const auto push = ParsePush(body);
  if (!push.ok() || push->format != model::BodyFormat::kXml) return;
  CheckPush(*push);
  if (HasLongName(*push)) return;
  const auto as_xml = ParsePush(WriteXml(*push));
  FUZZ_CHECK(as_xml.ok());
  CheckSame(*push, *as_xml);
  const auto as_json = ParsePush(WriteJson(*push));
  FUZZ_CHECK(as_json.ok());
  CheckSame(*push, *as_json);
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view body = hongyan::fuzz::View(data, size);
  hongyan::fuzz::CheckScan(body);
  hongyan::fuzz::CheckBody(body);
  hongyan::fuzz::CheckReply(body);
  return 0;
}
