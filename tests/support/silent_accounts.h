// Accounts for tests of what pushes do: nobody fetches their tokens or sends by them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/async/task_group.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"
#include "server/core/handler_calls.h"
#include "server/wechat/api_transport.h"
#include "tests/support/fake_http_client.h"

namespace hongyan::support {

class SilentAccounts {
 public:
  SilentAccounts(async::EventLoop& loop, async::Clock& clock)
      : clock_(clock), http_(loop, clock), group_(loop.executor(), clock, 1) {}

  core::Account& Add(const std::string& name, core::CallbackPolicy callback) {
    auto policy = std::make_shared<core::AccountPolicy>();
    policy->callback = std::move(callback);
    return accounts_.Add({name, "wx-" + name, base::Secret("s"), false}, transport_, clock_,
                         metrics_, group_, std::move(policy));
  }
  core::Accounts& operator*() { return accounts_; }

 private:
  async::Clock& clock_;
  FakeHttpClient http_;
  base::Metrics metrics_;
  async::TaskGroup group_;
  wechat::ApiTransport transport_{
      http_, clock_, metrics_, {"https://api.example"}, absl::Seconds(5)};
  core::Accounts accounts_;
};

}  // namespace hongyan::support
