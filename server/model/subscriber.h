// A follower of an account, or who was one, as plain values.
//
// Units:  windows and allowances are those of WeChat's customer-service messages: a message of the
//         user opens one for 48 hours, a tap, scan or follow one for a minute (the numbers are the
//         caller's).
// Source: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/model/profile.h"

namespace hongyan::model {

// How many customer-service messages a person's last action allows, and until when.
struct Window {
  std::optional<absl::Time> expire_time;
  std::int32_t left = 0;

  bool IsOpen(absl::Time now) const { return expire_time && now < *expire_time; }
};

struct Subscriber {
  std::string account;
  std::string openid;
  Profile profile;
  bool subscribed = false;
  std::optional<absl::Time> subscribe_time;    // the last one
  std::optional<absl::Time> unsubscribe_time;  // none while subscribed
  std::optional<absl::Time> last_inbound_time;
  Window message;                          // opened by a message
  Window action;                           // opened by a tap, a scan or a follow
  std::optional<absl::Time> profile_time;  // when user/info told the profile; none: not asked yet
  std::optional<absl::Time> erase_time;    // when the profile was emptied
  absl::Time update_time;                  // of anything here

  // Over both windows.
  std::int32_t AllowanceLeft(absl::Time now) const {
    return (message.IsOpen(now) ? message.left : 0) + (action.IsOpen(now) ? action.left : 0);
  }
  // When the later of the open windows closes; none: no window is open.
  std::optional<absl::Time> WindowExpireTime(absl::Time now) const {
    const bool by_message = message.IsOpen(now);
    const bool by_action = action.IsOpen(now);
    if (by_message && by_action) return std::max(*message.expire_time, *action.expire_time);
    if (by_message) return message.expire_time;
    if (by_action) return action.expire_time;
    return std::nullopt;
  }
};

// What an event does to its sender's row, besides being recorded.
struct SubscriberEffect {
  // kProfileChanged: what is stored of the profile is no longer true. kProfileRevoked: nor may it
  // be kept. kGone: the person's WeChat account is no more.
  enum class Kind { kNone, kSubscribe, kUnsubscribe, kProfileChanged, kProfileRevoked, kGone };
  Kind kind = Kind::kNone;
  // A window that the event opens; kSubscribe may open one too.
  enum class Opens { kNothing, kMessageWindow, kActionWindow };
  Opens opens = Opens::kNothing;
  std::int32_t allowance = 0;
  absl::Duration window;

  bool touches_row() const { return kind != Kind::kNone || opens != Opens::kNothing; }
};

}  // namespace hongyan::model
