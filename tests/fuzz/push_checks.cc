#include "tests/fuzz/push_checks.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hongyan/v1/event.pb.h"
#include "server/api/event_convert.h"
#include "server/core/dedup_key.h"
#include "server/core/push_type.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

using google::protobuf::util::MessageDifferencer;
using wechat::PushedEvent;

// The longest name of one element or key.
constexpr std::size_t kMaxName = 256;

std::size_t CountBytes(const PushedEvent& push) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : push.fields) bytes += name.size() + value.size();
  return bytes;
}

bool HasControls(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(c) && c != '\t' && c != '\n' && c != '\r' && c != '\x7f';
  });
}

// protobuf refuses to parse strings that are no UTF-8.
void CheckTexts(const PushedEvent& push) {
  v1::UnknownEvent texts;
  for (std::size_t i = 0; i < push.fields.size(); ++i) {
    const auto& [name, value] = push.fields[i];
    FUZZ_CHECK(!HasControls(name) && !HasControls(value));
    (*texts.mutable_fields())[absl::StrCat("name ", i)] = name;
    (*texts.mutable_fields())[absl::StrCat("value ", i)] = value;
  }
  v1::UnknownEvent again;
  FUZZ_CHECK(again.ParseFromString(texts.SerializeAsString()));
}

v1::Event CheckEvent(const PushedEvent& push, absl::string_view type) {
  v1::Event event;
  api::ToProto(push, type, event);
  FUZZ_CHECK(event.type() == type && api::IsEventType(type));
  const auto* payload = event.GetDescriptor()->FindOneofByName("payload");
  FUZZ_CHECK(payload != nullptr);
  const auto* field = event.GetReflection()->GetOneofFieldDescriptor(event, payload);
  FUZZ_CHECK(field != nullptr && field->name() == event.type());

  v1::Event again;
  FUZZ_CHECK(again.ParseFromString(event.SerializeAsString()));
  FUZZ_CHECK(MessageDifferencer::Equals(event, again));

  if (event.has_unknown()) {
    const auto count = static_cast<std::size_t>(event.unknown().fields().size());
    FUZZ_CHECK(count <= api::kMaxUnknownFields);
    // Nothing gets lost unless it says so.
    FUZZ_CHECK(event.unknown().truncated() ? count < push.fields.size()
                                           : count == push.fields.size());
    FUZZ_CHECK(event.ByteSizeLong() <= api::kMaxUnknownBytes + 16 * count + 64);
  } else {
    // Two fields may come from one of the push; tags and lengths add little.
    FUZZ_CHECK(event.ByteSizeLong() <= 3 * CountBytes(push) + 256);
  }
  return event;
}

void CheckDedupKey(const PushedEvent& push) {
  const std::string key = core::DedupKey(push);
  FUZZ_CHECK(key.size() == 64 && std::all_of(key.begin(), key.end(), absl::ascii_isxdigit));
  PushedEvent other = push;
  FUZZ_CHECK(core::DedupKey(other) == key);
  // Whichever of the two rules applies, this is another push.
  if (!other.msg_id.empty()) other.msg_id += '1';
  if (!other.fields.empty()) other.fields.back().second += '1';
  if (!other.fields.empty() || !other.msg_id.empty()) FUZZ_CHECK(core::DedupKey(other) != key);
}

// Nothing but letters and digits as they are, so that no rule about blanks or line ends matters.
std::string EscapedForXml(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80) {
      out += c;
    } else {
      absl::StrAppend(&out, "&#", static_cast<int>(c), ";");
    }
  }
  return out;
}

std::string EscapedForJson(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80) {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    }
  }
  return out;
}

}  // namespace

void CheckPush(const PushedEvent& push) {
  FUZZ_CHECK(push.fields.size() <= wechat::kMaxPushFields);
  // What google.protobuf.Timestamp can hold.
  FUZZ_CHECK(!push.create_time || (*push.create_time >= 0 && *push.create_time <= 253402300799));
  CheckTexts(push);
  const std::string openid = core::Classify(push).openid;
  FUZZ_CHECK(openid.size() <= core::kMaxOpenidBytes);
  FUZZ_CHECK(std::all_of(openid.begin(), openid.end(), absl::ascii_isgraph));

  const absl::string_view type = core::Classify(push).type;
  const absl::string_view recorded = core::Classify(push).recorded_type();
  FUZZ_CHECK(recorded == type || recorded == core::kUnknownPush);
  FUZZ_CHECK(recorded == core::kUnknownPush || (!openid.empty() && push.create_time));
  CheckEvent(push, type);
  if (recorded != type) CheckEvent(push, recorded);
  CheckDedupKey(push);
}

void CheckSame(const PushedEvent& push, const PushedEvent& again) {
  FUZZ_CHECK(push.fields == again.fields);
  FUZZ_CHECK(push.create_time == again.create_time && push.msg_id == again.msg_id);
  FUZZ_CHECK(push.to_user == again.to_user && push.from_user == again.from_user);
  FUZZ_CHECK(push.msg_type == again.msg_type && push.event == again.event);
  FUZZ_CHECK(push.event_key == again.event_key && push.content == again.content);
  FUZZ_CHECK(core::DedupKey(push) == core::DedupKey(again));
  const absl::string_view type = core::Classify(push).recorded_type();
  FUZZ_CHECK(core::Classify(again).recorded_type() == type);
  FUZZ_CHECK(MessageDifferencer::Equals(CheckEvent(push, type), CheckEvent(again, type)));
}

std::string WriteXml(const PushedEvent& push) {
  std::string out = "<xml>";
  for (const auto& [name, value] : push.fields) {
    absl::StrAppend(&out, "<", name, ">", EscapedForXml(value), "</", name, ">");
  }
  return out + "</xml>";
}

std::string WriteJson(const PushedEvent& push) {
  std::string out;
  for (const auto& [name, value] : push.fields) {
    absl::StrAppend(&out, out.empty() ? "{\"" : ",\"", EscapedForJson(name), "\":\"",
                    EscapedForJson(value), "\"");
  }
  return out.empty() ? "{}" : out + "}";
}

bool HasLongName(const PushedEvent& push) {
  return std::any_of(push.fields.begin(), push.fields.end(),
                     [](const auto& field) { return field.first.size() > kMaxName; });
}

std::string WithLineFeeds(absl::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == '\r' || text[i] == '\n';
    out += line_end ? '\n' : text[i];
    // tinyxml2 takes CR LF, and LF CR too, for one.
    if (line_end && i + 1 < text.size() && text[i + 1] != text[i] &&
        (text[i + 1] == '\r' || text[i + 1] == '\n')) {
      ++i;
    }
  }
  return out;
}

}  // namespace hongyan::fuzz
