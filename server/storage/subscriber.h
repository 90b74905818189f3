// What is stored of one follower of one account, as plain values.
//
// Units:  windows and allowances are those of WeChat's customer-service messages: a message of the user opens one for
//         48 hours, a tap, scan or follow one for a minute (the numbers are the caller's).
// Source: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace hongyan::storage {

inline constexpr int kMaxSubscriberPage = 1000;
inline constexpr int kMaxSubscriberScan = 2000;  // rows that one page looks at
inline constexpr int kSubscriberBatch = 500;     // rows of one transaction

// What user/info tells. Personal: emptied some time after the person has left.
struct Profile {
  std::string unionid;
  std::string subscribe_scene;
  std::string remark;
  std::int32_t group_id = 0;
  std::vector<std::int32_t> tag_ids;
  std::int64_t qr_scene = 0;
  std::string qr_scene_str;
  std::string language;
  std::string nickname;
  std::string head_image_url;
  std::int32_t sex = 0;
  std::string city;
  std::string province;
  std::string country;
};

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
  // kProfileChanged: what is stored of the profile is no longer true. kProfileRevoked: nor may it be kept. kGone: the
  // person's WeChat account is no more.
  enum class Kind { kNone, kSubscribe, kUnsubscribe, kProfileChanged, kProfileRevoked, kGone };
  Kind kind = Kind::kNone;
  // A window that the event opens; kSubscribe may open one too.
  enum class Opens { kNothing, kMessageWindow, kActionWindow };
  Opens opens = Opens::kNothing;
  std::int32_t allowance = 0;
  absl::Duration window;

  bool touches_row() const { return kind != Kind::kNone || opens != Opens::kNothing; }
};

// Customer-service messages that went to a person.
struct Spending {
  std::string account;
  std::string openid;
  std::int32_t messages = 0;
  // What WeChat said since: that nothing is left in the windows, or that none is open.
  bool used_up = false;
  bool closed = false;
};

// A person as WeChat's user/info or its list of followers tells.
struct ObservedUser {
  std::string openid;
  bool subscribed = false;
  std::optional<absl::Time> subscribe_time;  // WeChat's own
  Profile profile;  // empty when not subscribed, but for perhaps the unionid
};

// When user/info is to be asked again: what it told before `told_before` is too old, and what it refused to tell before
// `refused_before` may be asked once more. Of whom it has told nothing is asked in any case.
struct ProfileAge {
  absl::Time told_before = absl::InfinitePast();
  absl::Time refused_before = absl::InfiniteFuture();
};

struct SubscriberFilter {
  std::string account;  // required
  std::optional<bool> subscribed;
  std::optional<std::int32_t> tag_id;
  std::string subscribe_scene;  // empty: any
  std::optional<absl::Time> updated_after;
  std::optional<absl::Time> inbound_after;
  // Only followers whose user/info is to be asked.
  std::optional<ProfileAge> to_ask;
};

struct SubscriberPage {
  std::vector<Subscriber> subscribers;
  // Everything up to here was looked at: where to go on, also when nobody fitted.
  std::string next_openid;
  bool more = false;
  // Followers looked at whose user/info is known and not to be asked, whatever else the filter says.
  std::int64_t with_profile = 0;
};

// How far the import of an account's followers has come.
struct SyncState {
  std::string account;
  std::string next_openid;  // for the next page of WeChat's list
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> finish_time;     // none while it goes on
  std::optional<absl::Time> profiles_since;  // what user/info told before is read again
  std::int64_t total = 0;                    // followers, the smallest that a page of the list told
  std::int64_t listed = 0;                   // openids seen
  std::int64_t fetched = 0;                  // profiles read
  std::int64_t departed = 0;                 // found to have left
};

}  // namespace hongyan::storage
