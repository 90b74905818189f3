#include "server/callback_parts.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hongyan {
namespace {

// None in plain mode.
std::optional<wechat::CallbackCipher> Cipher(const config::AccountSettings& account) {
  if (account.callback_mode == config::CallbackMode::kPlain) return std::nullopt;
  auto cipher = wechat::CallbackCipher::Create(account.encoding_aes_key,
                                               account.previous_encoding_aes_key, account.app_id);
  return *std::move(cipher);
}

core::Reply ReplyOf(const config::ReplyRuleSettings& rule) {
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

core::ReplyRules RulesOf(const config::AccountSettings& account) {
  std::vector<core::ReplyRule> rules;
  for (const config::ReplyRuleSettings& rule : account.replies) {
    rules.push_back({rule.on, rule.match, ReplyOf(rule), rule.event_key});
  }
  auto compiled = core::ReplyRules::Create(std::move(rules));
  return *std::move(compiled);
}

}  // namespace

std::vector<endpoints::CallbackAccount> CallbackAccounts(const config::Settings& settings) {
  std::vector<endpoints::CallbackAccount> accounts;
  for (const config::AccountSettings& account : settings.accounts) {
    if (!account.has_callback) continue;
    accounts.push_back(
        {account.name, account.callback_path, account.callback_token, Cipher(account)});
  }
  return accounts;
}

std::vector<core::IntakeAccount> IntakeAccounts(const config::Settings& settings,
                                                Handlers& handlers) {
  std::vector<core::IntakeAccount> accounts;
  for (const config::AccountSettings& account : settings.accounts) {
    if (!account.has_callback) continue;
    const auto handler = handlers.find(account.name);
    accounts.push_back({account.name, RulesOf(account),
                        handler == handlers.end() ? nullptr : handler->second.get()});
  }
  return accounts;
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

Handlers MakeHandlers(const config::Settings& settings,
                      const absl::StatusOr<HandlerClients>& clients, core::Sender& sender,
                      async::Executor executor, async::Clock& clock, base::Metrics& metrics) {
  Handlers handlers;
  if (!clients.ok()) return handlers;
  for (const config::AccountSettings& account : settings.accounts) {
    const auto client = clients->find(account.name);
    if (client == clients->end()) continue;
    core::HandlerOptions options{account.name, account.handler->on, account.handler->timeout,
                                 account.handler->late_reply_within};
    handlers[account.name] = std::make_unique<core::HandlerCalls>(
        std::move(options), *client->second, sender, executor, clock, metrics);
  }
  return handlers;
}

}  // namespace hongyan
