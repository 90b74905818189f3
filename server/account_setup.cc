#include "server/account_setup.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace hongyan {
namespace {

// None in plain mode.
std::optional<wechat::CallbackCipher> MakeCipher(const config::AccountSettings& account) {
  if (account.callback_mode == config::CallbackMode::kPlain) return std::nullopt;
  auto cipher = wechat::CallbackCipher::Create(account.encoding_aes_key,
                                               account.previous_encoding_aes_key, account.app_id);
  return *std::move(cipher);
}

core::Reply MakeReply(const config::ReplyRuleSettings& rule) {
  switch (rule.kind) {
    case config::ReplyKind::kText:
      break;
    case config::ReplyKind::kImage:
      return wechat::ImageReply{rule.media_id};
    case config::ReplyKind::kVoice:
      return wechat::VoiceReply{rule.media_id};
    case config::ReplyKind::kVideo:
      return wechat::VideoReply{rule.media_id, rule.title, rule.description};
    case config::ReplyKind::kMusic:
      return wechat::MusicReply{rule.title, rule.description, rule.music_url, rule.hq_music_url,
                                rule.thumb_media_id};
    case config::ReplyKind::kNews:
      return wechat::NewsReply{rule.title, rule.description, rule.url, rule.picture_url};
    case config::ReplyKind::kTransfer:
      return wechat::TransferReply{rule.kf_account};
  }
  return wechat::TextReply{rule.text};
}

core::ReplyRules MakeReplies(const config::AccountSettings& account) {
  std::vector<core::ReplyRule> rules;
  for (const config::ReplyRuleSettings& rule : account.replies) {
    rules.push_back({rule.on, rule.match, MakeReply(rule), rule.event_key});
  }
  auto compiled = core::ReplyRules::Create(std::move(rules));
  return *std::move(compiled);
}

}  // namespace

std::shared_ptr<const core::AccountPolicy> MakePolicy(const config::AccountSettings& account) {
  auto policy = std::make_shared<core::AccountPolicy>();
  if (account.has_callback) {
    wechat::PushOpener opener(account.callback_token, MakeCipher(account));
    policy->callback.emplace(core::CallbackPolicy{account.callback_path, account.callback_token,
                                                  std::move(opener), MakeReplies(account)});
  }
  return policy;
}

absl::StatusOr<HandlerClients> ConnectHandlers(const config::Settings& settings,
                                               async::Executor executor) {
  HandlerClients clients;
  for (const config::AccountSettings& account : settings.accounts) {
    if (!account.has_callback || !account.handler) continue;
    const config::HandlerSettings& handler = *account.handler;
    auto client = endpoints::HandlerClient::Create(
        {handler.target, handler.tls, handler.ca_file, handler.cert_file, handler.key_file},
        executor);
    if (!client.ok()) {
      return absl::Status(client.status().code(),
                          absl::StrCat("handler.tls of account ", account.name, ": ",
                                       std::string(client.status().message())));
    }
    clients[account.name] = *std::move(client);
  }
  return clients;
}

core::HandlerOptions MakeHandlerOptions(const config::AccountSettings& account) {
  return {account.handler->on, account.handler->timeout, account.handler->late_reply_within};
}

}  // namespace hongyan
