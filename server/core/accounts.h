// The configured Official Accounts: each with all that belongs to it, by name and by the path of
// its callback.
//
// Contract: an empty name means the only account there is.
// Errors:   INVALID_ARGUMENT naming `account` and the configured names.
// Threads:  event loop only.          Lifetime: accounts stay where they are until the end.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/core/account_policy.h"
#include "server/core/template_catalog.h"
#include "server/wechat/access_token.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::core {

class HandlerCalls;

struct Account {
  Account(wechat::AccessToken::Options options, std::shared_ptr<const AccountPolicy> configured,
          wechat::ApiTransport& transport, async::Clock& clock, base::Metrics& metrics,
          async::TaskGroup& group);
  ~Account();

  const std::string name;
  wechat::AccessToken token;
  wechat::WechatClient client;
  TemplateCatalog templates;
  std::shared_ptr<const AccountPolicy> policy;
  std::unique_ptr<HandlerCalls> handler;  // asked where no reply is configured; null: none
};

class Accounts {
 public:
  Account& Add(
      wechat::AccessToken::Options options, wechat::ApiTransport& transport, async::Clock& clock,
      base::Metrics& metrics, async::TaskGroup& group,
      std::shared_ptr<const AccountPolicy> policy = std::make_shared<const AccountPolicy>());
  absl::StatusOr<Account*> Find(const std::string& name);
  // The one whose callback has this path; null: none.
  Account* FindByPath(absl::string_view path) const;
  std::deque<Account>& all() { return accounts_; }
  const std::deque<Account>& all() const { return accounts_; }

 private:
  std::deque<Account> accounts_;  // addresses stay
  absl::flat_hash_map<std::string, Account*> by_path_;
};

}  // namespace hongyan::core
