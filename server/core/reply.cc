#include "server/core/reply.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/base/text.h"

namespace hongyan::core {
namespace {

constexpr std::size_t kMaxText = 2048;  // bytes; the limit of texts, and ample for the rest
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxId = 128;

absl::Status Wrong(absl::string_view field, absl::string_view problem) {
  return base::InvalidField(field, problem, "不符合微信的规则");
}

// What XML can't carry.
bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

absl::Status CheckText(absl::string_view field, absl::string_view text, bool required) {
  if (text.empty()) return required ? Wrong(field, "is required") : absl::OkStatus();
  if (text.size() > kMaxText) {
    return Wrong(
        field, absl::StrCat("has ", text.size(), " bytes of UTF-8; ", kMaxText, " are the limit"));
  }
  return HasControl(text) ? Wrong(field, "holds control characters") : absl::OkStatus();
}

absl::Status CheckId(absl::string_view field, absl::string_view id, bool required) {
  if (id.empty()) return required ? Wrong(field, "is required") : absl::OkStatus();
  const bool usable = id.size() <= kMaxId && base::IsVisibleAscii(id);
  return usable ? absl::OkStatus()
                : Wrong(field, absl::StrCat("takes 1 to ", kMaxId, " visible ASCII characters"));
}

absl::Status CheckUrl(absl::string_view field, absl::string_view url, bool required) {
  if (url.empty()) return required ? Wrong(field, "is required") : absl::OkStatus();
  const bool http = absl::StartsWith(url, "http://") || absl::StartsWith(url, "https://");
  const bool blank = std::any_of(url.begin(), url.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (http && !blank && url.size() <= kMaxUrl) return absl::OkStatus();
  return Wrong(field, absl::StrCat("must be http:// or https:// without blanks, at most ", kMaxUrl,
                                   " bytes"));
}

absl::Status CheckValue(wechat::ReplyValue kind, absl::string_view field, absl::string_view value,
                        bool required) {
  switch (kind) {
    case wechat::ReplyValue::kText:
      return CheckText(field, value, required);
    case wechat::ReplyValue::kId:
      return CheckId(field, value, required);
    case wechat::ReplyValue::kUrl:
      return CheckUrl(field, value, required);
  }
  return absl::OkStatus();
}

// An empty reply of each kind.
template <typename... Kinds>
std::vector<Reply> MakeEmptyReplies(const std::variant<Kinds...>&) {
  return {Kinds{}...};
}

}  // namespace

absl::string_view ReplyKind(const Reply& reply) {
  return std::visit([](const auto& each) { return absl::string_view(each.kForm.name); }, reply);
}

std::vector<absl::string_view> ReplyKinds() {
  std::vector<absl::string_view> kinds;
  for (const Reply& reply : MakeEmptyReplies(Reply())) kinds.push_back(ReplyKind(reply));
  return kinds;
}

std::optional<Reply> ReadReply(absl::string_view kind,
                               const std::function<std::string(const std::string& field)>& read) {
  for (Reply& reply : MakeEmptyReplies(Reply())) {
    if (ReplyKind(reply) != kind) continue;
    std::visit(
        [&read](auto& each) {
          for (const auto& field : each.kFields) each.*field.member = read(field.name);
        },
        reply);
    return std::move(reply);
  }
  return std::nullopt;
}

std::vector<absl::Status> ReplyProblems(const Reply& reply) {
  std::vector<absl::Status> problems;
  std::visit(
      [&problems](const auto& each) {
        for (const auto& field : each.kFields) {
          const std::string name = absl::StrCat(each.kForm.name, ".", field.name);
          const bool required = field.presence == wechat::Presence::kRequired;
          absl::Status status = CheckValue(field.value, name, each.*field.member, required);
          if (!status.ok()) problems.push_back(std::move(status));
        }
      },
      reply);
  return problems;
}

absl::Status CheckReply(const Reply& reply) {
  const std::vector<absl::Status> problems = ReplyProblems(reply);
  return problems.empty() ? absl::OkStatus() : problems.front();
}

}  // namespace hongyan::core
