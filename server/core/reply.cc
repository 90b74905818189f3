#include "server/core/reply.h"

#include <algorithm>
#include <cstddef>

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

absl::Status CheckId(absl::string_view field, absl::string_view id) {
  if (id.empty()) return Wrong(field, "is required");
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

std::vector<absl::Status> Check(const wechat::TextReply& text) {
  return {CheckText("text.content", text.content, true)};
}

std::vector<absl::Status> Check(const wechat::ImageReply& image) {
  return {CheckId("image.media_id", image.media_id)};
}

std::vector<absl::Status> Check(const wechat::VoiceReply& voice) {
  return {CheckId("voice.media_id", voice.media_id)};
}

std::vector<absl::Status> Check(const wechat::VideoReply& video) {
  return {CheckId("video.media_id", video.media_id), CheckText("video.title", video.title, false),
          CheckText("video.description", video.description, false)};
}

std::vector<absl::Status> Check(const wechat::MusicReply& music) {
  return {CheckId("music.thumb_media_id", music.thumb_media_id),
          CheckText("music.title", music.title, false),
          CheckText("music.description", music.description, false),
          CheckUrl("music.music_url", music.music_url, false),
          CheckUrl("music.hq_music_url", music.hq_music_url, false)};
}

std::vector<absl::Status> Check(const wechat::NewsReply& news) {
  return {CheckText("news.title", news.title, true),
          CheckText("news.description", news.description, false),
          CheckUrl("news.url", news.url, true),
          CheckUrl("news.picture_url", news.picture_url, false)};
}

std::vector<absl::Status> Check(const wechat::TransferReply& transfer) {
  if (transfer.kf_account.empty()) return {};
  return {CheckId("transfer.kf_account", transfer.kf_account)};
}

}  // namespace

absl::string_view ReplyKind(const Reply& reply) {
  static constexpr absl::string_view kKinds[] = {"text",  "image", "voice",   "video",
                                                 "music", "news",  "transfer"};
  static_assert(std::size(kKinds) == std::variant_size_v<Reply>);
  return kKinds[reply.index()];
}

std::vector<absl::Status> ReplyProblems(const Reply& reply) {
  std::vector<absl::Status> checked =
      std::visit([](const auto& each) { return Check(each); }, reply);
  const auto is_ok = [](const absl::Status& status) { return status.ok(); };
  checked.erase(std::remove_if(checked.begin(), checked.end(), is_ok), checked.end());
  return checked;
}

absl::Status CheckReply(const Reply& reply) {
  const std::vector<absl::Status> problems = ReplyProblems(reply);
  return problems.empty() ? absl::OkStatus() : problems.front();
}

}  // namespace hongyan::core
