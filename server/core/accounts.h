// The configured Official Accounts, by name.
//
// Contract: the account is always a parameter. An empty name means the only account there is.
// Errors:   INVALID_ARGUMENT naming `account` and the configured names.
// Threads:  event loop only.
#pragma once

#include <deque>
#include <string>

#include "absl/status/statusor.h"
#include "server/core/template_catalog.h"
#include "server/wechat/access_token.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::core {

struct Account {
  Account(wechat::AccessToken::Options options, wechat::ApiTransport& transport,
          async::Clock& clock, base::Metrics& metrics, async::TaskGroup& group);

  const std::string name;
  wechat::AccessToken token;
  wechat::WechatClient client;
  TemplateCatalog templates;
};

class Accounts {
 public:
  Account& Add(wechat::AccessToken::Options options, wechat::ApiTransport& transport,
               async::Clock& clock, base::Metrics& metrics, async::TaskGroup& group);
  absl::StatusOr<Account*> Find(const std::string& name);
  std::deque<Account>& all() { return accounts_; }
  const std::deque<Account>& all() const { return accounts_; }

 private:
  std::deque<Account> accounts_;  // addresses stay
};

}  // namespace hongyan::core
