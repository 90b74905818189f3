#include "server/wechat/errcode.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/wechat/errcode_table.h"

namespace hongyan::wechat {
namespace {

using absl::StatusCode;
using absl::StrCat;
using absl::string_view;
using base::Reason;
using errcode_table::kRows;
using errcode_table::kTokenRows;

constexpr std::int64_t kIpNotListed = 40164;
constexpr std::int64_t kTypingAlready = 45081;
constexpr std::size_t kMaxName = 64;     // bytes of a rid or of a keyword
constexpr std::size_t kMaxAddress = 45;  // INET6_ADDRSTRLEN without its NUL

constexpr ErrcodeRow kUnknownRow = {
    0,
    ErrorClass::kUnknown,
    Reason::kWechatError,
    ErrorField::kNone,
    "WeChat refused the request with a code that this version doesn't know; look it up in WeChat's "
    "documentation",
    "微信以本版本不认识的错误码拒绝了请求，请查阅微信文档",
};

template <std::size_t kSize>
const ErrcodeRow* Find(const ErrcodeRow (&rows)[kSize], std::int64_t errcode) {
  const auto* row = std::lower_bound(
      std::begin(rows), std::end(rows), errcode,
      [](const ErrcodeRow& each, std::int64_t code) { return each.errcode < code; });
  return row != std::end(rows) && row->errcode == errcode ? row : nullptr;
}

string_view WithoutQuery(string_view api) { return api.substr(0, api.find('?')); }

const ErrcodeRow& FindRow(std::int64_t errcode, string_view api) {
  if (IsTokenApi(api)) {
    if (const ErrcodeRow* row = Find(kTokenRows, errcode)) return *row;
  }
  // What is fine while typing would hide a lost message elsewhere.
  if (errcode == kTypingAlready && !absl::EndsWith(WithoutQuery(api), "/typing")) {
    return kUnknownRow;
  }
  const ErrcodeRow* row = Find(kRows, errcode);
  return row != nullptr ? *row : kUnknownRow;
}

StatusCode GetCode(const ErrcodeRow& row) {
  switch (row.error_class) {
    case ErrorClass::kOk:
      return StatusCode::kOk;
    case ErrorClass::kToken:
    case ErrorClass::kBusy:
      return StatusCode::kUnavailable;
    case ErrorClass::kThrottle:
    case ErrorClass::kQuota:
      return StatusCode::kResourceExhausted;
    case ErrorClass::kUnreachable:
    case ErrorClass::kConfig:
      return StatusCode::kFailedPrecondition;
    case ErrorClass::kDuplicate:
      return StatusCode::kAlreadyExists;
    case ErrorClass::kArgument:
      return row.reason == Reason::kWechatError ? StatusCode::kInternal
                                                : StatusCode::kInvalidArgument;
    case ErrorClass::kUnauthorized:
    case ErrorClass::kPolicy:
      return StatusCode::kPermissionDenied;
    case ErrorClass::kUnknown:
      break;
  }
  return StatusCode::kUnknown;
}

absl::Duration GetRetryDelay(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kBusy:
      return absl::Seconds(2);
    case ErrorClass::kToken:
      return absl::Seconds(5);
    case ErrorClass::kThrottle:
      return absl::Seconds(60);
    default:
      return absl::ZeroDuration();
  }
}

// When the counter starts anew. That days and months are Beijing's is not documented.
string_view QuotaRenewal(std::int64_t errcode) {
  switch (errcode) {
    case 45009:
      return "the daily quota of this API is used up; as far as known it is reset at the next "
             "00:00 Beijing time "
             "(16:00 UTC)";
    case 45028:
      return "no mass-send is left; as far as known the number is reset at 00:00 Beijing time "
             "(16:00 UTC) of the next "
             "day or month, by type of account";
    case 48006:
      return "the monthly number of quota resets is used up; as far as known it is reset at 00:00 "
             "Beijing time "
             "(16:00 UTC) of the next month";
    default:
      return "the number that the account may have is reached; it is not reset with time, delete "
             "one first";
  }
}

// "/cgi-bin/message/custom/send" → "custom/send".
string_view ShortName(string_view api) {
  api = absl::StripPrefix(api, "/");
  api = absl::StripPrefix(api, "cgi-bin/");
  return absl::StripPrefix(api, "message/");
}

// The field's path in the request that `api` carries, with the names that our own checks use too;
// empty when this API's requests have no such field.
std::string FieldPath(ErrorField field, string_view api, string_view errmsg) {
  const bool is_text = absl::EndsWith(api, "/message/custom/send");
  const bool is_template = absl::EndsWith(api, "/message/template/send");
  switch (field) {
    case ErrorField::kNone:
      return "";
    case ErrorField::kOpenid:
      return absl::EndsWith(api, "/user/info/batchget") ? "openids" : "openid";
    case ErrorField::kTextContent:
      return is_text ? "text.content" : "";
    case ErrorField::kKfAccount:
      return is_text ? "text.kf_account" : "";
    case ErrorField::kTemplateId:
      return is_template ? "template.template_id" : "";
    case ErrorField::kTemplateUrl:
      return is_template ? "template.url" : "";
    // A text names a mini program in a link only.
    case ErrorField::kMiniProgramAppId:
      return is_template ? "template.mini_program.app_id" : is_text ? "text.content" : "";
    case ErrorField::kMiniProgramPagePath:
      return is_template ? "template.mini_program.page_path" : is_text ? "text.content" : "";
    case ErrorField::kTemplateData: {
      if (!is_template) return "";
      const std::string key = FindInvalidDataKey(errmsg);
      return key.empty() ? "template.data" : StrCat("template.data.", key);
    }
  }
  return "";
}

bool IsWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool IsRidChar(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == '-'; }
bool IsAddressChar(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == '.' || c == ':';
}

// The characters at the head of `text` that `accept` takes; empty when more than `max`.
template <typename Accept>
string_view Run(string_view text, std::size_t max, Accept accept) {
  std::size_t length = 0;
  while (length < text.size() && accept(text[length])) {
    if (++length > max) return "";
  }
  return text.substr(0, length);
}

// Where `marker` stands as a word of its own, from `from` on.
std::size_t FindWord(string_view text, string_view marker, std::size_t from = 0) {
  std::size_t at = text.find(marker, from);
  while (at != string_view::npos && at > 0 && IsWord(text[at - 1])) at = text.find(marker, at + 1);
  return at;
}

template <int kFamily>
bool IsAddress(const std::string& text) {
  in6_addr buffer;  // holds both families
  return !text.empty() && inet_pton(kFamily, text.c_str(), &buffer) == 1;
}

std::string AddressAfter(string_view text, string_view marker) {
  const std::size_t at = FindWord(text, marker);
  if (at == string_view::npos) return "";
  const string_view rest = text.substr(at + marker.size());
  const string_view run = Run(rest, kMaxAddress, IsAddressChar);
  if (run.size() < rest.size() && IsWord(rest[run.size()])) return "";
  const std::string address(run);
  if (IsAddress<AF_INET>(address)) return address;
  if (!IsAddress<AF_INET6>(address)) return "";
  // A mapped IPv4 address is written into the whitelist as IPv4.
  const std::string mapped(absl::StripPrefix(address, "::ffff:"));
  return IsAddress<AF_INET>(mapped) ? mapped : address;
}

}  // namespace

ErrorClass ClassifyErrcode(std::int64_t errcode, string_view api) {
  return FindRow(errcode, api).error_class;
}

bool IsTokenApi(string_view api) {
  api = WithoutQuery(api);
  return api == "/cgi-bin/stable_token" || api == "/cgi-bin/token";
}

absl::Status ToStatus(const WechatError& error) {
  const string_view api = WithoutQuery(error.api);
  const ErrcodeRow& row = FindRow(error.errcode, api);
  if (row.error_class == ErrorClass::kOk) return absl::OkStatus();

  std::string english = row.english;
  std::string chinese = row.chinese;
  const std::string address = error.errcode == kIpNotListed ? FindAddress(error.errmsg) : "";
  if (!address.empty()) {
    absl::StrAppend(&english, ": ", address);
    absl::StrAppend(&chinese, ":", address);
  }

  // The field leads where there is one, as in the errors of our own checks.
  const std::string field = FieldPath(row.field, api, error.errmsg);
  const string_view name = ShortName(api);
  // Nobody's arguments but ours are in a request for a token.
  const bool ours = row.error_class == ErrorClass::kArgument && IsTokenApi(api);
  base::ErrorBuilder builder(
      ours ? StatusCode::kInternal : GetCode(row), ours ? Reason::kWechatError : row.reason,
      field.empty() ? StrCat(name, ": ", english, " (errcode ", error.errcode, ")")
                    : StrCat(field, ": ", english, " (", name, ", errcode ", error.errcode, ")"));
  builder
      .Chinese(field.empty()
                   ? StrCat(name, ":", chinese, "(errcode ", error.errcode, ")")
                   : StrCat(field, ":", chinese, "(", name, ",errcode ", error.errcode, ")"))
      .SaidByWechat()
      .With("api", api)
      .With("errcode", StrCat(error.errcode))
      .With("errmsg", base::Printable(error.errmsg, base::kMaxErrorText))
      .With("rid", FindRid(error.errmsg))
      .With("address", address);
  if (!field.empty()) builder.Field(field, english);
  if (const absl::Duration delay = GetRetryDelay(row.error_class); delay > absl::ZeroDuration()) {
    builder.RetryAfter(delay);
  }
  if (row.error_class == ErrorClass::kQuota) {
    builder.Quota(StrCat(error.account, ":", api), QuotaRenewal(error.errcode));
  }
  return builder;
}

std::string FindRid(string_view errmsg) {
  constexpr string_view kMarker = "rid: ";
  // The last one is WeChat's: what comes before may be quoted from the request.
  const std::size_t at = errmsg.rfind(kMarker);
  if (at == string_view::npos || (at > 0 && IsWord(errmsg[at - 1]))) return "";
  const string_view rest = errmsg.substr(at + kMarker.size());
  const string_view rid = Run(rest, kMaxName, IsRidChar);
  if (rid.empty() || rid[0] == '-') return "";
  if (rid.size() < rest.size() && IsWord(rest[rid.size()])) return "";
  return std::string(rid);
}

std::string FindAddress(string_view errmsg) {
  const std::string address = AddressAfter(errmsg, "invalid ip ");
  return address.empty() ? AddressAfter(errmsg, "ipv6 ") : address;
}

std::string FindInvalidDataKey(string_view errmsg) {
  constexpr string_view kMarker = "data.";
  for (std::size_t at = FindWord(errmsg, kMarker); at != string_view::npos;
       at = FindWord(errmsg, kMarker, at + 1)) {
    const string_view rest = errmsg.substr(at + kMarker.size());
    const string_view key = Run(rest, kMaxName, IsWord);
    string_view tail = rest.substr(key.size());
    if (key.empty() || !absl::ConsumePrefix(&tail, ".value")) continue;
    if (tail.empty() || !IsWord(tail[0])) return std::string(key);
  }
  return "";
}

}  // namespace hongyan::wechat
