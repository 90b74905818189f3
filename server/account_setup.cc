#include "server/account_setup.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/replies.h"

namespace hongyan {
namespace {

// None in plain mode.
std::optional<wechat::CallbackCipher> MakeCipher(const v1::AccountConfig& account) {
  const v1::AccountCallbackConfig& callback = account.callback();
  if (callback.mode() == "plain") return std::nullopt;
  auto cipher = wechat::CallbackCipher::Create(base::Secret(callback.encoding_aes_key()),
                                               base::Secret(callback.previous_encoding_aes_key()),
                                               account.app_id());
  return *std::move(cipher);
}

core::ReplyRules MakeReplies(const v1::AccountConfig& account) {
  std::vector<core::ReplyRule> rules;
  for (const v1::ReplyRule& rule : account.replies()) rules.push_back(config::ToReplyRule(rule));
  auto compiled = core::ReplyRules::Create(std::move(rules));
  return *std::move(compiled);
}

}  // namespace

std::shared_ptr<const core::AccountPolicy> MakePolicy(const v1::AccountConfig& account) {
  auto policy = std::make_shared<core::AccountPolicy>();
  if (account.has_callback()) {
    const base::Secret token(account.callback().token());
    wechat::PushOpener opener(token, MakeCipher(account));
    policy->callback.emplace(core::CallbackPolicy{account.callback().path(), token,
                                                  std::move(opener), MakeReplies(account)});
  }
  return policy;
}

absl::StatusOr<HandlerClients> ConnectHandlers(const config::Settings& settings,
                                               async::Executor executor) {
  HandlerClients clients;
  for (const v1::AccountConfig& account : settings.accounts()) {
    if (!account.has_callback() || !account.has_handler()) continue;
    const v1::HandlerConfig& handler = account.handler();
    auto client = endpoints::HandlerClient::Create(
        {handler.target(), handler.has_tls(), handler.tls().ca_file(), handler.tls().cert_file(),
         handler.tls().key_file()},
        executor);
    if (!client.ok()) {
      return absl::Status(client.status().code(),
                          absl::StrCat("handler.tls of account ", account.name(), ": ",
                                       std::string(client.status().message())));
    }
    clients[account.name()] = *std::move(client);
  }
  return clients;
}

core::HandlerOptions MakeHandlerOptions(const v1::AccountConfig& account) {
  const v1::HandlerConfig& handler = account.handler();
  return {{handler.on().begin(), handler.on().end()},
          config::ToDuration(handler.timeout()),
          config::ToDuration(handler.late_reply_within())};
}

}  // namespace hongyan
