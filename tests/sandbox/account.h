// What the platform knows about one Official Account: settings, followers, templates, and every
// chat.
//
// Contract: plain state with the rules that belong to it (windows, allowances, duplicates); no
// network, no JSON. Errors:   rules answer with WeChat's errcode, 0 = allowed. Threads:  event loop
// only.           Lifetime: clock and random outlive the account. Units:    the customer-service
// window is 48 h and 5 messages after a message, 1 min and 3 after a follow, scan or menu
//           tap (figures of the current documentation).
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "callback_settings.h"
#include "clock.h"
#include "crowd.h"
#include "text.h"
#include "token_rules.h"
#include "user.h"

namespace hongyan::sandbox {

struct AccountSettings {
  std::string app_id;
  std::string app_secret;
  std::string original_id;
  CallbackSettings callback;
  ReceiptSettings receipts;
  TokenRules tokens;
  // Off: windows and allowances are kept and shown, but never refuse a message to a follower.
  bool enforce_window = false;
  bool ip_whitelisted = true;
  bool secret_frozen = false;
  bool account_frozen = false;
  // false: every business call answers 48001, as for an account that is not verified.
  bool verified = true;
};

struct Template {
  std::string template_id;
  std::string title;
  // Lines with placeholders: "订单编号:{{character_string4.DATA}}".
  std::string content;
  std::string primary_industry;
  std::string deputy_industry;
  std::string example;
  // Values registered for enum and const keys.
  std::map<std::string, std::vector<std::string>> listed_values;

  std::vector<std::string> Keys() const;
};

enum class Direction { kToUser, kFromUser };

struct ChatLine {
  int64_t seq = 0;
  Time time;
  Direction direction = Direction::kToUser;
  // text, template, image …, passive_reply, event, typing, service_failure
  std::string kind;
  std::string text;
  std::string url;
  int64_t msgid = 0;
};

class Account {
 public:
  Account(const Clock& clock, Random& random, AccountSettings given)
      : settings(std::move(given)),
        tokens(clock, random, settings.tokens),
        clock_(clock),
        random_(random) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // A member of a crowd becomes a user of his own by this, as he may be changed from now on.
  User* FindUser(const std::string& openid);
  // The same without a trace, for calls that only read.
  std::optional<User> LookUp(const std::string& openid) const;
  User& AddUser(User user);
  // Without the members of crowds that nobody has touched.
  const std::map<std::string, User>& users() const { return users_; }

  // Lets so many more people follow, named prefix + number; the number of the first is returned.
  // -1: the prefix overlaps with another crowd's, or there are too many crowds.
  int64_t AddCrowd(const std::string& prefix, int64_t count);
  int64_t FollowerCount() const;
  // The first followers behind `start` in bytewise order.
  std::vector<std::string> FollowersAfter(const std::string& start, size_t most) const;
  std::string NewOpenid();

  const Template* FindTemplate(const std::string& template_id) const;
  const Template& AddTemplate(Template added);
  const std::vector<Template>& templates() const { return templates_; }

  // Opens the customer-service window of a user after what he did.
  void OpenWindow(User& user, std::chrono::seconds length, int64_t allowance);
  // Whether a customer-service message may go out now; takes one from the allowance if so.
  int SpendAllowance(User& user);

  // The msgid of the message already sent to `openid` under this client_msg_id in the last ten
  // minutes.
  std::optional<int64_t> FindDuplicate(const std::string& openid, const std::string& client_msg_id);
  void RememberClientMsgId(const std::string& openid, const std::string& client_msg_id,
                           int64_t msgid);

  void Say(const std::string& openid, ChatLine line);
  const std::map<std::string, std::deque<ChatLine>>& chats() const { return chats_; }

  // Counts a call of the day and says whether the day's limit is used up.
  bool CountCall(const std::string& api);
  int64_t CallsToday(const std::string& api) const;
  void SetDailyLimit(const std::string& api, int64_t limit) { daily_limits_[api] = limit; }
  int64_t DailyLimit(const std::string& api) const;

  AccountSettings settings;
  TokenOffice tokens;

 private:
  const Clock& clock_;
  Random& random_;
  const Crowd* CrowdOf(const std::string& openid) const;

  std::map<std::string, User> users_;
  std::vector<Crowd> crowds_;
  std::vector<Template> templates_;
  std::map<std::string, std::deque<ChatLine>> chats_;
  int64_t chat_lines_ = 0;
  int64_t next_chat_seq_ = 1;
  std::unordered_map<std::string, int64_t> client_msg_ids_;
  std::deque<std::pair<Time, std::string>> client_msg_id_ages_;
  std::map<std::string, int64_t> calls_;
  std::map<std::string, int64_t> daily_limits_;
  int64_t call_day_ = 0;
};

}  // namespace hongyan::sandbox
