#include "server/wechat/pushed_event.h"

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/text.h"
#include "server/base/timestamp.h"
#include "server/wechat/event_json.h"
#include "server/wechat/event_xml.h"

namespace hongyan::wechat {
namespace {

constexpr std::array<absl::string_view, 10> kOnlyOnce = {
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "Event",
    "EventKey",   "MsgId",        "MsgID",      "Content", "Encrypt"};

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

}  // namespace

bool PushedEvent::HasEncrypt() const {
  return std::any_of(fields.begin(), fields.end(),
                     [](const auto& field) { return field.first == "Encrypt"; });
}

absl::string_view PushedEvent::Field(absl::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

absl::StatusOr<PushedEvent> ToPushedEvent(model::BodyFormat format, PushedEvent::Fields fields) {
  for (const absl::string_view name : kOnlyOnce) {
    const auto count = std::count_if(fields.begin(), fields.end(),
                                     [&](const auto& field) { return field.first == name; });
    if (count > 1) return absl::InvalidArgumentError(absl::StrCat(name, " is there twice"));
  }
  PushedEvent event;
  event.format = format;
  event.fields = std::move(fields);
  const auto text = [&](absl::string_view name) { return std::string(event.Field(name)); };
  event.to_user = text("ToUserName");
  event.from_user = text("FromUserName");
  event.msg_type = text("MsgType");
  event.event = text("Event");
  event.event_key = text("EventKey");
  event.content = text("Content");
  event.msg_id = text("MsgId");
  if (event.msg_id.empty()) event.msg_id = text("MsgID");
  std::int64_t seconds = 0;
  if (absl::SimpleAtoi(event.Field("CreateTime"), &seconds) && seconds >= 0 &&
      seconds <= base::kLastTimestampSecond) {
    event.create_time = seconds;
  }
  return event;
}

absl::StatusOr<PushedEvent> ParsePush(absl::string_view body) {
  absl::ConsumePrefix(&body, "\xEF\xBB\xBF");
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (first == absl::string_view::npos) return absl::InvalidArgumentError("empty body");
  body.remove_prefix(first);
  auto fields = body[0] == '{' ? ReadEventJson(body) : ReadEventXml(body);
  if (!fields.ok()) return fields.status();
  return ToPushedEvent(body[0] == '{' ? model::BodyFormat::kJson : model::BodyFormat::kXml,
                       *std::move(fields));
}

std::string CleanText(absl::string_view text) {
  const bool clean = base::IsUtf8(text) && std::none_of(text.begin(), text.end(), IsControl);
  if (clean) return std::string(text);
  std::string out;
  for (const char c : base::ToUtf8(text)) {
    if (IsControl(c)) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace hongyan::wechat
