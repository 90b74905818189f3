#include "server/core/accounts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/base/text.h"
#include "server/core/handler_calls.h"

namespace hongyan::core {

Account::Account(wechat::AccessToken::Options options,
                 std::shared_ptr<const AccountPolicy> configured, wechat::ApiTransport& transport,
                 async::Clock& clock, base::Metrics& metrics, async::TaskGroup& group)
    : name(options.account),
      token(options, transport, clock, metrics, group),
      client(name, token, transport, clock),
      templates(client, clock),
      policy(std::move(configured)) {}

Account::~Account() = default;

Account& Accounts::Add(wechat::AccessToken::Options options, wechat::ApiTransport& transport,
                       async::Clock& clock, base::Metrics& metrics, async::TaskGroup& group,
                       std::shared_ptr<const AccountPolicy> policy) {
  Account& account = accounts_.emplace_back(std::move(options), std::move(policy), transport, clock,
                                            metrics, group);
  if (account.policy->callback) by_path_.emplace(account.policy->callback->path, &account);
  return account;
}

Account* Accounts::FindByPath(absl::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

absl::StatusOr<Account*> Accounts::Find(const std::string& name) {
  if (name.empty() && accounts_.size() == 1) return &accounts_.front();
  std::string names;
  for (Account& account : accounts_) {
    if (account.name == name) return &account;
    absl::StrAppend(&names, names.empty() ? "" : ", ", account.name);
  }
  if (name.empty()) {
    return base::InvalidField("account", absl::StrCat("is required; configured are: ", names),
                              absl::StrCat("必须填写，已配置的有：", names));
  }
  return base::InvalidField(
      "account",
      absl::StrCat("'", base::Printable(name, 64), "' is not configured; configured are: ", names),
      absl::StrCat("没有配置该账号，已配置的有：", names));
}

}  // namespace hongyan::core
