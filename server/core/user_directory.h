// Looks users up at WeChat.
//
// Errors:  INVALID_ARGUMENT naming the field; else those of WechatClient.
// Bounds:  at most 10 000 openids a call, asked in WeChat's pages of 100, four pages at once.
// Threads: event loop only.           Lifetime: `clock` outlives it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/accounts.h"

namespace hongyan::core {

class UserDirectory {
 public:
  UserDirectory(async::Clock& clock, async::Executor executor)
      : clock_(clock), executor_(executor) {}

  async::Task<absl::StatusOr<model::User>> Get(Account& account, std::string openid,
                                               std::string lang, model::CallLimit limit);
  // In the order asked; an openid that WeChat left out, or whose entry can't be read, has nothing
  // but itself. One failed page fails the call.
  async::Task<absl::StatusOr<std::vector<model::User>>> BatchGet(Account& account,
                                                                 std::vector<std::string> openids,
                                                                 std::string lang,
                                                                 model::CallLimit limit);

 private:
  async::Clock& clock_;
  async::Executor executor_;
};

}  // namespace hongyan::core
