// The whole fake platform's state: accounts, time, numbers. Knows no network.
//
// Contract: accounts are found by app_id or by a token once issued to them. Numbers (msgid, rid)
// are never repeated. Threads:  event loop only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "account.h"
#include "clock.h"
#include "text.h"

namespace hongyan::sandbox {

class Platform {
 public:
  Platform() = default;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  Account* Find(const std::string& app_id);
  // The account of the request: the named one, or the only one if the name is empty.
  Account* FindOrOnly(const std::string& app_id);
  // The account this token was issued to, whether it still works or not.
  Account* FindByToken(std::string_view token);
  Account& Add(AccountSettings settings);
  void Clear() { accounts_.clear(); }
  const std::map<std::string, std::unique_ptr<Account>>& accounts() const { return accounts_; }

  // Above 2^53, as real ones are: a client that goes through a double loses digits.
  int64_t NextMsgid() { return next_msgid_ += 7 + static_cast<int64_t>(random.Number() % 9); }
  // What the message carries behind " rid: ".
  std::string NewRid();

  Clock clock;
  Random random;

 private:
  std::map<std::string, std::unique_ptr<Account>> accounts_;
  int64_t next_msgid_ = 3717005636572528641;
};

// The demo account, its two followers and its templates; also the templates of an account made by
// flags.
void AddDemoTemplates(Account& account);
void AddDemoFollower(Account& account, const Clock& clock, const std::string& openid);
Account& AddDemoAccount(Platform& platform);

inline constexpr std::string_view kDemoAppId = "wxsandbox00000001";
inline constexpr std::string_view kDemoAppSecret = "sandboxsecret0000000000000000001";
inline constexpr std::string_view kDemoOriginalId = "gh_sandbox000001";
inline constexpr std::string_view kDemoCallbackToken = "sandboxtoken";
inline constexpr std::string_view kDemoFollowers[] = {"oSandbox_AliceDemoFollower01",
                                                      "oSandbox_BobbyDemoFollower02"};

}  // namespace hongyan::sandbox
