// The fixture of tests that speak to a scripted platform: loop, clock, HTTP, transport, and a group
// for renewals.
#pragma once

#include "absl/time/time.h"
#include "server/async/task_group.h"
#include "server/base/metrics.h"
#include "server/wechat/access_token.h"
#include "server/wechat/api_transport.h"
#include "tests/support/fake_http_client.h"
#include "tests/support/loop_test.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wechat_replies.h"

namespace hongyan::support {

inline constexpr char kHost[] = "https://api.example";
inline constexpr char kAppSecret[] = "canary-app-secret";
inline constexpr absl::Duration kTimeout = absl::Seconds(5);  // wechat.timeout

class WechatTest : public LoopTest {
 protected:
  // Before the destructors: renewals refer to the tokens of derived fixtures.
  void TearDown() override {
    group_.CancelAll();
    clock_.Settle();
    EXPECT_LE(http_.most_at_once(kStableTokenPath), tokens_at_once_)
        << "an account never has two token requests under way";
  }

  static wechat::AccessToken::Options OptionsOf(const std::string& account) {
    return {account, "wx-" + account, base::Secret(kAppSecret), false};
  }

  FakeHttpClient http_{loop_, clock_};
  base::Metrics metrics_;
  async::TaskGroup group_{loop_.executor(), clock_, 64};
  wechat::ApiTransport transport_{http_, clock_, metrics_, {kHost}, kTimeout};
  int tokens_at_once_ = 1;  // one for each account of the test
};

}  // namespace hongyan::support
