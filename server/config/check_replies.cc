#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/text.h"
#include "server/config/checks.h"
#include "server/config/push_names.h"

namespace hongyan::config {
namespace {

constexpr int kMaxReplies = 200;
constexpr std::size_t kMaxMatch = 4096;
constexpr std::size_t kMaxEventKey = 1024;
// As WeChat takes them in a reply; core/reply.cc has the same for replies that come over the network.
constexpr std::size_t kMaxText = 2048;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxId = 128;
constexpr int kMaxExpressionMemory = 1 << 20;

struct Kind {
  const char* key;
  ReplyKind kind;
};
constexpr Kind kKinds[] = {{"text", ReplyKind::kText},        {"image", ReplyKind::kImage},
                           {"voice", ReplyKind::kVoice},      {"video", ReplyKind::kVideo},
                           {"music", ReplyKind::kMusic},      {"news", ReplyKind::kNews},
                           {"transfer", ReplyKind::kTransfer}};

// What XML can't carry.
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }
bool IsBlank(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

enum class Need { kRequired, kOptional };

// One rule.
class RuleCheck {
 public:
  RuleCheck(std::string path, Findings& findings, ReplyRuleSettings& out)
      : path_(std::move(path)), findings_(findings), out_(out) {}

  void Run(const v1::ReplyRule& rule) {
    CheckWhen(rule);
    std::vector<const Kind*> given;
    for (const Kind& kind : kKinds) {
      if (findings_.Given(At(kind.key))) given.push_back(&kind);
    }
    if (given.empty()) {
      findings_.Refuse(At("text"),
                       "is required, or another reply: image, voice, video, music, news, transfer");
      return;
    }
    for (std::size_t i = 1; i < given.size(); ++i) {
      findings_.Refuse(At(given[i]->key), absl::StrCat("is one reply too many beside ",
                                                       given[0]->key, "; a rule has exactly one"));
    }
    out_.kind = given[0]->kind;
    for (const Kind* kind : given) CheckKind(kind->kind, rule);
  }

 private:
  std::string At(absl::string_view key) const { return absl::StrCat(path_, ".", key); }

  void CheckWhen(const v1::ReplyRule& rule) {
    const PushKind kind = CheckOn(rule.on());
    if (const std::string at = At("match"); findings_.Usable(at)) CheckMatch(at, rule.match());
    if (const std::string at = At("event_key"); findings_.Usable(at)) {
      if (rule.event_key().empty() || rule.event_key().size() > kMaxEventKey) {
        findings_.Refuse(at, absl::StrCat("has ", rule.event_key().size(),
                                          " bytes; must be from 1 to ", kMaxEventKey));
      } else if (kind == PushKind::kMessage) {
        findings_.Refuse(at, "is for events; messages have none");
      }
    }
    out_.on = rule.on();
    out_.match = rule.match();
    out_.event_key = rule.event_key();
  }

  PushKind CheckOn(const std::string& on) {
    const std::string at = At("on");
    if (!findings_.Given(at)) findings_.Refuse(at, "is required");
    if (!findings_.Usable(at)) return PushKind::kNone;
    const PushKind kind = KindOfPush(on);
    if (on.empty()) {
      findings_.Refuse(at, "is empty, and is required");
    } else if (kind == PushKind::kNone) {
      findings_.Refuse(at, absl::StrCat(findings_.Quoted(at, on),
                                        " is no message type or event; known are ", ApiPushNames(),
                                        ", and WeChat's own words in lower case, such as "
                                        "scancode_push"));
    }
    return kind;
  }

  void CheckMatch(const std::string& at, const std::string& match) {
    if (match.size() > kMaxMatch) {
      return findings_.Refuse(
          at, absl::StrCat("has ", match.size(), " bytes; ", kMaxMatch, " are the limit"));
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMaxExpressionMemory);
    const RE2 expression(match, options);
    if (!expression.ok()) {
      findings_.Refuse(at,
                       absl::StrCat("is no RE2 expression: ", base::Printable(expression.error())));
    }
  }

  void CheckKind(ReplyKind kind, const v1::ReplyRule& rule) {
    switch (kind) {
      case ReplyKind::kText:
        return Text("text", rule.text(), Need::kRequired, out_.text);
      case ReplyKind::kImage:
        return Id("image.media_id", rule.image().media_id(), Need::kRequired, out_.media_id);
      case ReplyKind::kVoice:
        return Id("voice.media_id", rule.voice().media_id(), Need::kRequired, out_.media_id);
      case ReplyKind::kVideo:
        Id("video.media_id", rule.video().media_id(), Need::kRequired, out_.media_id);
        Text("video.title", rule.video().title(), Need::kOptional, out_.title);
        return Text("video.description", rule.video().description(), Need::kOptional,
                    out_.description);
      case ReplyKind::kMusic:
        Id("music.thumb_media_id", rule.music().thumb_media_id(), Need::kRequired,
           out_.thumb_media_id);
        Text("music.title", rule.music().title(), Need::kOptional, out_.title);
        Text("music.description", rule.music().description(), Need::kOptional, out_.description);
        Url("music.music_url", rule.music().music_url(), Need::kOptional, out_.music_url);
        return Url("music.hq_music_url", rule.music().hq_music_url(), Need::kOptional,
                   out_.hq_music_url);
      case ReplyKind::kNews:
        Text("news.title", rule.news().title(), Need::kRequired, out_.title);
        Text("news.description", rule.news().description(), Need::kOptional, out_.description);
        Url("news.url", rule.news().url(), Need::kRequired, out_.url);
        return Url("news.picture_url", rule.news().picture_url(), Need::kOptional,
                   out_.picture_url);
      case ReplyKind::kTransfer:
        return Id("transfer.kf_account", rule.transfer().kf_account(), Need::kOptional,
                  out_.kf_account);
    }
  }

  // Whether there is a value to look at; reports one that is missing. A key without a value is never meant.
  bool HasValue(const std::string& at, const std::string& value, Need need) {
    // A section that could not be read has been reported.
    const std::string section = at.substr(0, at.rfind('.'));
    if (!findings_.Usable(section)) return false;
    if (!findings_.Given(at)) {
      if (need == Need::kRequired) findings_.Refuse(at, "is required");
      return false;
    }
    if (!findings_.Usable(at)) return false;
    if (value.empty()) findings_.Refuse(at, "is empty");
    return !value.empty();
  }

  void Text(absl::string_view key, const std::string& text, Need need, std::string& out) {
    const std::string at = At(key);
    if (!HasValue(at, text, need)) return;
    if (text.size() > kMaxText) {
      findings_.Refuse(at,
                       absl::StrCat("has ", text.size(), " bytes; ", kMaxText, " are the limit"));
    }
    if (std::any_of(text.begin(), text.end(), IsControl)) {
      findings_.Refuse(at, "holds a control character other than line break and tab");
    }
    out = text;
  }

  void Id(absl::string_view key, const std::string& id, Need need, std::string& out) {
    const std::string at = At(key);
    if (!HasValue(at, id, need)) return;
    if (id.size() > kMaxId || !base::IsVisibleAscii(id)) {
      findings_.Refuse(at, absl::StrCat(findings_.Quoted(at, id), " is not 1 to ", kMaxId,
                                        " visible ASCII characters"));
    }
    out = id;
  }

  void Url(absl::string_view key, const std::string& url, Need need, std::string& out) {
    const std::string at = At(key);
    if (!HasValue(at, url, need)) return;
    const bool http = absl::StartsWith(url, "http://") || absl::StartsWith(url, "https://");
    if (!http || url.size() > kMaxUrl || std::any_of(url.begin(), url.end(), IsBlank)) {
      findings_.Refuse(
          at, absl::StrCat("is no URL that begins with http:// or https://, without blanks and of ",
                           kMaxUrl, " bytes at most"));
    }
    out = url;
  }

  const std::string path_;
  Findings& findings_;
  ReplyRuleSettings& out_;
};

}  // namespace

void CheckReplies(const std::string& path, const v1::AccountConfig& account, Findings& findings,
                  AccountSettings& settings) {
  const std::string list = path + ".replies";
  if (!findings.Usable(list)) return;
  if (account.replies_size() > kMaxReplies) {
    return findings.Refuse(list, absl::StrCat("has ", account.replies_size(), " rules; ",
                                              kMaxReplies, " are the limit"));
  }
  if (account.replies_size() > 0 && !account.has_callback()) {
    findings.Warn(list, "will never be used: the account has no callback");
  }
  for (int i = 0; i < account.replies_size(); ++i) {
    const std::string item = absl::StrCat(list, "[", i, "]");
    if (!findings.Usable(item)) continue;
    RuleCheck(item, findings, settings.replies.emplace_back()).Run(account.replies(i));
  }
}

}  // namespace hongyan::config
