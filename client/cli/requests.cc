#include "client/cli/requests.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "client/cli/duration.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::cli {
namespace {

constexpr std::size_t kMaxKeywordBytes = 64;

absl::Status CheckContent(const std::string& content) {
  if (content.empty()) return Problem({"the text is empty", "文本为空"});
  if (!IsUtf8(content)) return Problem({"the text is not UTF-8", "文本不是 UTF-8"});
  if (content.size() > kMaxContentBytes) {
    return Problem({"the text has $0 bytes, WeChat takes 2048 at most",
                    "文本有 $0 字节，微信最多接受 2048 字节"},
                   content.size());
  }
  return absl::OkStatus();
}

absl::Status CheckIdempotencyKey(const std::string& key) {
  const bool control =
      std::any_of(key.begin(), key.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (key.size() <= kMaxIdempotencyKeyBytes && IsUtf8(key) && !control) return absl::OkStatus();
  return Problem({"an idempotency key has 1 to 255 bytes of UTF-8 without control characters",
                  "幂等键应为 1 至 255 字节的 UTF-8，不含控制字符"});
}

absl::Status CheckKeyword(const std::string& key) {
  const bool plain = std::all_of(
      key.begin(), key.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
  if (!key.empty() && key.size() <= kMaxKeywordBytes && plain) return absl::OkStatus();
  return Problem(
      {"'$0' is no keyword of a template, such as thing1", "“$0”不是 thing1 这样的模板关键词"},
      Printable(key));
}

absl::Status CheckTemplate(const v1::Template& one) {
  if (one.template_id().empty()) return Problem({"the template_id is empty", "template_id 为空"});
  if (!IsUtf8(one.template_id()) || !IsUtf8(one.url()) || !IsUtf8(one.mini_program().app_id()) ||
      !IsUtf8(one.mini_program().page_path())) {
    return Problem({"the template_id, the url or the mini program is not UTF-8",
                    "template_id、url 或小程序不是 UTF-8"});
  }
  if (one.data().empty()) return Problem({"the template has no data", "模板没有数据"});
  for (const auto& [key, value] : one.data()) {
    if (absl::Status status = CheckKeyword(key); !status.ok()) return status;
    if (!IsUtf8(value)) return Problem({"the value of $0 is not UTF-8", "$0 的值不是 UTF-8"}, key);
  }
  return absl::OkStatus();
}

absl::Status AddData(const std::string& pair, v1::Template& to) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Problem({"'$0' is not KEY=VALUE", "“$0”不是 KEY=VALUE 的形式"}, Printable(pair));
  }
  const std::string key = pair.substr(0, equals);
  if (!to.mutable_data()->insert({key, pair.substr(equals + 1)}).second) {
    return Problem({"$0 is given twice", "$0 重复出现"}, Printable(key));
  }
  return absl::OkStatus();
}

absl::Status CheckNotification(const v1::Notification& one) {
  switch (one.recipient_case()) {
    case v1::Notification::kOpenid:
      if (absl::Status status = CheckOpenid(one.openid()); !status.ok()) return status;
      break;
    case v1::Notification::kUnionid:
      break;
    case v1::Notification::RECIPIENT_NOT_SET:
      return Problem({"no recipient: openid is missing", "没有接收者：缺少 openid"});
  }
  switch (one.body_case()) {
    case v1::Notification::kText:
      if (absl::Status status = CheckContent(one.text().content()); !status.ok()) return status;
      break;
    case v1::Notification::kTemplate:
      if (absl::Status status = CheckTemplate(one.template_()); !status.ok()) return status;
      break;
    case v1::Notification::BODY_NOT_SET:
      return Problem(
          {"nothing to send: text or template is missing", "没有内容：缺少 text 或 template"});
    default:
      break;
  }
  if (one.has_send_time()) {
    return Problem({"send_time can't be used in a batch", "批量发送不能使用 send_time"});
  }
  return CheckIdempotencyKey(one.idempotency_key());
}

void SetTime(absl::Time from, google::protobuf::Timestamp& to) {
  const std::int64_t seconds = absl::ToUnixSeconds(from);
  to.set_seconds(seconds);
  to.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(from - absl::FromUnixSeconds(seconds))));
}

// Which types there are is the service's knowledge: it may be newer than this program.
absl::Status CheckTypes(const std::vector<std::string>& types) {
  if (std::all_of(types.begin(), types.end(), client::IsVisibleAscii)) return absl::OkStatus();
  return Problem({"--type has visible ASCII characters only", "--type 只能含可见 ASCII 字符"});
}

}  // namespace

absl::Status CheckOpenid(const std::string& openid) {
  if (!openid.empty() && openid.size() <= kMaxOpenidBytes && client::IsVisibleAscii(openid)) {
    return absl::OkStatus();
  }
  return Problem({"'$0' is no openid: 1 to 128 visible ASCII characters",
                  "“$0”不是 openid：应为 1 至 128 个可见 ASCII 字符"},
                 Printable(openid.substr(0, kMaxOpenidBytes)));
}

absl::StatusOr<v1::SendTextRequest> ToRequest(const GlobalArgs& global, const SendTextArgs& args) {
  if (absl::Status status = CheckOpenid(args.openid); !status.ok()) return status;
  if (absl::Status status = CheckContent(args.content); !status.ok()) return status;
  if (absl::Status status = CheckIdempotencyKey(args.idempotency_key); !status.ok()) return status;
  if (!IsUtf8(args.kf_account)) {
    return Problem({"--kf-account is not UTF-8", "--kf-account 不是 UTF-8"});
  }
  v1::SendTextRequest request;
  request.set_account(global.account);
  request.set_openid(args.openid);
  request.set_content(args.content);
  request.set_kf_account(args.kf_account);
  request.set_idempotency_key(args.idempotency_key);
  request.set_validate_only(args.validate_only);
  return request;
}

absl::StatusOr<v1::SendTemplateRequest> ToRequest(const GlobalArgs& global,
                                                  const SendTemplateArgs& args) {
  if (absl::Status status = CheckOpenid(args.openid); !status.ok()) return status;
  if (absl::Status status = CheckIdempotencyKey(args.idempotency_key); !status.ok()) return status;
  v1::SendTemplateRequest request;
  request.set_account(global.account);
  request.set_openid(args.openid);
  v1::Template& one = *request.mutable_template_();
  one.set_template_id(args.template_id);
  for (const std::string& pair : args.data) {
    if (absl::Status status = AddData(pair, one); !status.ok()) return status;
  }
  one.set_url(args.url);
  if (!args.mini_program.empty()) {
    const std::size_t colon = args.mini_program.find(':');
    one.mutable_mini_program()->set_app_id(args.mini_program.substr(0, colon));
    if (colon != std::string::npos) {
      one.mutable_mini_program()->set_page_path(args.mini_program.substr(colon + 1));
    }
    if (one.mini_program().app_id().empty()) {
      return Problem(
          {"--mini-program is APPID or APPID:PATH", "--mini-program 的形式为 APPID 或 APPID:PATH"});
    }
  }
  if (absl::Status status = CheckTemplate(one); !status.ok()) return status;
  request.set_idempotency_key(args.idempotency_key);
  request.set_validate_only(args.validate_only);
  return request;
}

absl::StatusOr<v1::GetUserInfoRequest> ToRequest(const GlobalArgs& global,
                                                 const UserGetArgs& args) {
  if (absl::Status status = CheckOpenid(args.openid); !status.ok()) return status;
  v1::GetUserInfoRequest request;
  request.set_account(global.account);
  request.set_openid(args.openid);
  request.set_lang(args.lang);
  return request;
}

absl::StatusOr<v1::GetSubscriberRequest> ToRequest(const GlobalArgs& global,
                                                   const SubscriberGetArgs& args) {
  v1::GetSubscriberRequest request;
  request.set_account(global.account);
  if (args.openid.empty() && args.unionid.empty()) {
    return Problem({"give an openid, or a unionid with --unionid",
                    "请给出 openid，或用 --unionid 给出 unionid"});
  }
  if (!args.unionid.empty()) {
    if (!IsUtf8(args.unionid)) return Problem({"--unionid is not UTF-8", "--unionid 不是 UTF-8"});
    request.set_unionid(args.unionid);
    return request;
  }
  if (absl::Status status = CheckOpenid(args.openid); !status.ok()) return status;
  request.set_openid(args.openid);
  return request;
}

absl::StatusOr<absl::Time> ParseMoment(const std::string& text, absl::Time now,
                                       absl::TimeZone zone) {
  absl::Time time;
  std::string ignored;
  bool parsed = false;
  for (const char* form : {absl::RFC3339_full, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                           "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    parsed = parsed || absl::ParseTime(form, text, zone, &time, &ignored);
  }
  const std::optional<absl::Duration> ago = ParseDuration(text);
  if (!parsed && ago.has_value()) {
    time = now - *ago;
    parsed = true;
  }
  // What a Timestamp can hold, which leaves out the words for infinity too.
  if (!parsed || time < absl::FromUnixSeconds(-62135596800) ||
      time >= absl::FromUnixSeconds(253402300800)) {
    return Problem({"'$0' is no time like 2025-06-01T12:00:00+08:00, or 48h or 30d (so long ago)",
                    "“$0”不是 2025-06-01T12:00:00+08:00，或 48h、30d（多久以前）这样的时间"},
                   Printable(text));
  }
  return time;
}

absl::StatusOr<v1::ListSubscribersRequest> ToRequest(const GlobalArgs& global,
                                                     const SubscriberListArgs& args, absl::Time now,
                                                     absl::TimeZone zone) {
  v1::ListSubscribersRequest request;
  request.set_account(global.account);
  if (args.subscribed.has_value()) request.set_subscribed(*args.subscribed);
  if (args.tag_id.has_value()) request.set_tag_id(*args.tag_id);
  if (!IsUtf8(args.scene)) return Problem({"--scene is not UTF-8", "--scene 不是 UTF-8"});
  request.set_subscribe_scene(args.scene);
  if (!args.updated_after.empty()) {
    const absl::StatusOr<absl::Time> time = ParseMoment(args.updated_after, now, zone);
    if (!time.ok()) return time.status();
    SetTime(*time, *request.mutable_updated_after());
  }
  if (!args.inbound_after.empty()) {
    const absl::StatusOr<absl::Time> time = ParseMoment(args.inbound_after, now, zone);
    if (!time.ok()) return time.status();
    SetTime(*time, *request.mutable_inbound_after());
  }
  return request;
}

absl::StatusOr<v1::ListEventsRequest> ToRequest(const GlobalArgs& global,
                                                const EventListArgs& args) {
  if (absl::Status status = CheckTypes(args.types); !status.ok()) return status;
  v1::ListEventsRequest request;
  request.set_account(global.account);
  request.mutable_types()->Assign(args.types.begin(), args.types.end());
  request.set_after_cursor(args.after);
  return request;
}

absl::StatusOr<v1::WatchEventsRequest> ToRequest(const GlobalArgs& global,
                                                 const EventWatchArgs& args) {
  if (absl::Status status = CheckTypes(args.types); !status.ok()) return status;
  v1::WatchEventsRequest request;
  request.set_account(global.account);
  request.mutable_types()->Assign(args.types.begin(), args.types.end());
  if (args.after.has_value()) request.set_after_cursor(*args.after);
  return request;
}

absl::StatusOr<v1::Notification> ParseNotification(absl::string_view line,
                                                   const std::string& account) {
  if (!IsUtf8(line)) return Problem({"not UTF-8", "不是 UTF-8"});
  v1::Notification one;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(line.data(), line.size()), &one);
  if (!parsed.ok()) {
    // The parser draws the place on lines of its own.
    const std::string message(parsed.message().data(), parsed.message().size());
    return Problem({"no notification: $0", "不是有效的通知：$0"},
                   Printable(message.substr(0, message.find('\n'))));
  }
  if (absl::Status status = CheckNotification(one); !status.ok()) return status;
  if (one.account().empty()) one.set_account(account);
  return one;
}

}  // namespace hongyan::cli
