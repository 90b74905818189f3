// What is asked of the stored followers and told about them, and their bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/model/subscriber.h"

namespace hongyan::storage {

inline constexpr int kMaxSubscriberPage = 1000;
inline constexpr int kMaxSubscriberScan = 2000;  // rows that one page looks at
inline constexpr int kSubscriberBatch = 500;     // rows of one transaction

// Customer-service messages that went to a person.
struct Spending {
  std::string account;
  std::string openid;
  std::int32_t messages = 0;
  // What WeChat said since: that nothing is left in the windows, or that none is open.
  bool used_up = false;
  bool closed = false;
};

// When user/info is to be asked again: what it told before `told_before` is too old, and what it
// refused to tell before `refused_before` may be asked once more. Of whom it has told nothing is
// asked in any case.
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
  std::vector<model::Subscriber> subscribers;
  // Everything up to here was looked at: where to go on, also when nobody fitted.
  std::string next_openid;
  bool more = false;
  // Followers looked at whose user/info is known and not to be asked, whatever else the filter
  // says.
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
