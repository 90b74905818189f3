#include "server/core/message_rules.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/wechat/api_json.h"

namespace hongyan::core {
namespace {

using base::InvalidField;
using base::Joined;

constexpr std::size_t kMaxContent = 2048;  // bytes; measured by developers, WeChat documents none
constexpr std::size_t kMaxKeywords = 50;
constexpr std::size_t kMaxKeywordName = 64;
constexpr std::size_t kMaxTemplateBytes = 16 << 10;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxPagePath = 1024;
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxKey = 255;
constexpr std::size_t kMaxLabels = 16;
constexpr std::size_t kMaxLabel = 64;

// JSON would need a \u escape for these, which WeChat refuses or shows as they are.
bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

// `malformed`: the reason where there is a value, but no good one.
absl::Status CheckName(absl::string_view value, absl::string_view field, bool required,
                       std::size_t max = kMaxName,
                       base::Reason malformed = base::Reason::kInvalidRequest) {
  if (value.empty()) {
    return required ? InvalidField(field, "is required", "必须填写") : absl::OkStatus();
  }
  if (value.size() > max) {
    return InvalidField(field, absl::StrCat("is longer than ", max, " bytes"),
                        absl::StrCat("超过 ", max, " 字节"), malformed);
  }
  if (!base::IsVisibleAscii(value)) {
    return InvalidField(field, "takes visible ASCII characters only", "只能是可见的 ASCII 字符",
                        malformed);
  }
  return absl::OkStatus();
}

// Any UTF-8 but control characters: C0, DEL and C1 (U+0080 to U+009F).
absl::Status CheckKey(absl::string_view key) {
  constexpr char kField[] = "idempotency_key";
  if (key.size() > kMaxKey) {
    return InvalidField(kField, absl::StrCat("is longer than ", kMaxKey, " bytes"),
                        absl::StrCat("超过 ", kMaxKey, " 字节"));
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto byte = static_cast<unsigned char>(key[i]);
    const bool c1 =
        byte == 0xC2 && i + 1 < key.size() && static_cast<unsigned char>(key[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || c1) {
      return InvalidField(kField, "holds control characters", "含有控制字符");
    }
  }
  return base::IsUtf8(key) ? absl::OkStatus() : InvalidField(kField, "is not UTF-8", "不是 UTF-8");
}

absl::Status CheckContent(absl::string_view content) {
  if (content.empty()) return InvalidField("text.content", "is required", "必须填写");
  if (content.size() > kMaxContent) {
    return InvalidField(
        "text.content",
        absl::StrCat("has ", content.size(), " bytes of UTF-8, WeChat takes ", kMaxContent),
        absl::StrCat("共 ", content.size(), " 字节，微信最多接受 ", kMaxContent, " 字节"));
  }
  if (HasControl(content)) {
    return InvalidField("text.content", "holds control characters", "含有控制字符");
  }
  return absl::OkStatus();
}

absl::Status CheckMessage(const wechat::TextMessage& text) {
  return Joined(CheckContent(text.content), CheckName(text.kf_account, "text.kf_account", false));
}

absl::Status CheckData(const std::map<std::string, std::string>& data) {
  if (data.empty() || data.size() > kMaxKeywords) {
    return InvalidField("template.data", absl::StrCat("takes 1 to ", kMaxKeywords, " keywords"),
                        absl::StrCat("应有 1 到 ", kMaxKeywords, " 个关键词"));
  }
  absl::Status status;
  std::size_t bytes = 0;
  for (const auto& [key, value] : data) {
    const bool plain = std::all_of(
        key.begin(), key.end(), [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
    if (key.empty() || key.size() > kMaxKeywordName || !plain) {
      return InvalidField("template.data",
                          absl::StrCat("'", base::Printable(key, 64),
                                       "' is no keyword: 1 to 64 letters, digits or underscores"),
                          "关键词名只能是 1 到 64 个字母、数字或下划线");
    }
    bytes += value.size();
    if (bytes > kMaxTemplateBytes) {
      return InvalidField(
          "template.data",
          absl::StrCat("has values of more than ", kMaxTemplateBytes, " bytes in all"),
          absl::StrCat("总长超过 ", kMaxTemplateBytes, " 字节"));
    }
    if (HasControl(value)) {
      status = Joined(std::move(status),
                      InvalidField(absl::StrCat("template.data.", key), "holds control characters",
                                   "含有控制字符", base::Reason::kInvalidTemplateValue));
    }
  }
  return status;
}

absl::Status CheckUrl(absl::string_view url) {
  if (url.empty()) return absl::OkStatus();
  const bool http = absl::StartsWith(url, "http://") || absl::StartsWith(url, "https://");
  const bool blank = std::any_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (http && !blank && url.size() <= kMaxUrl) return absl::OkStatus();
  return InvalidField(
      "template.url",
      absl::StrCat("must be http:// or https:// without blanks, at most ", kMaxUrl, " bytes"),
      absl::StrCat("应以 http:// 或 https:// 开头，不含空白，最多 ", kMaxUrl, " 字节"));
}

absl::Status CheckPagePath(absl::string_view path) {
  if (path.size() <= kMaxPagePath && !HasControl(path)) return absl::OkStatus();
  return InvalidField(
      "template.mini_program.page_path",
      absl::StrCat("takes at most ", kMaxPagePath, " bytes without control characters"),
      absl::StrCat("最多 ", kMaxPagePath, " 字节，不含控制字符"));
}

absl::Status CheckMessage(const wechat::TemplateMessage& message) {
  absl::Status status = CheckName(message.template_id, "template.template_id", true);
  status = Joined(std::move(status), CheckData(message.data));
  status = Joined(std::move(status), CheckUrl(message.url));
  status = Joined(std::move(status),
                  CheckName(message.mini_program_app_id, "template.mini_program.app_id",
                            !message.mini_program_page_path.empty()));
  return Joined(std::move(status), CheckPagePath(message.mini_program_page_path));
}

absl::Status CheckLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kMaxLabels) {
    return InvalidField("labels", absl::StrCat("takes at most ", kMaxLabels),
                        absl::StrCat("最多 ", kMaxLabels, " 个"));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kMaxLabel || value.size() > kMaxLabel || HasControl(key) ||
        HasControl(value)) {
      return InvalidField(
          "labels",
          absl::StrCat("keys have 1 to ", kMaxLabel, " bytes, values at most ", kMaxLabel),
          absl::StrCat("键应为 1 到 ", kMaxLabel, " 字节，值最多 ", kMaxLabel, " 字节"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOpenid(absl::string_view openid, absl::string_view field) {
  return CheckName(openid, field, true, kMaxName, base::Reason::kInvalidOpenid);
}

absl::Status CheckUnionid(absl::string_view unionid) { return CheckName(unionid, "unionid", true); }

absl::Status CheckLang(absl::string_view lang) {
  if (lang.empty() || lang == "zh_CN" || lang == "zh_TW" || lang == "en") return absl::OkStatus();
  return InvalidField("lang", "takes zh_CN, zh_TW or en", "只能是 zh_CN、zh_TW 或 en");
}

absl::StatusOr<model::Notification> AddMessage(model::Notification notification,
                                               const wechat::MessageContent& content) {
  absl::Status status =
      notification.unionid ? CheckUnionid(*notification.unionid) : CheckOpenid(notification.openid);
  status = Joined(std::move(status), CheckKey(notification.idempotency_key));
  status = Joined(std::move(status), CheckLabels(notification.labels));
  status = Joined(std::move(status),
                  std::visit([](const auto& message) { return CheckMessage(message); }, content));
  if (!status.ok()) return status;
  notification.message = wechat::Compile(content);
  return notification;
}

}  // namespace hongyan::core
