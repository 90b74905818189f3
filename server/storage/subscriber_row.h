// A row of the table `subscribers` as it is stored. Times are those of micros.h: 0 for none.
#pragma once

#include <string>

#include "server/storage/subscriber.h"

namespace hongyan::storage {

struct SubscriberRow {
  std::string account;
  std::string openid;
  model::Profile profile;  // its tag_ids stay empty: they are in the column below
  std::string tag_ids;     // ",2,134,"
  int subscribed = 0;
  long long state_time = 0;  // WeChat's time of what `subscribed` says
  long long subscribe_time = 0;
  long long unsubscribe_time = 0;
  long long last_inbound_time = 0;
  long long message_time = 0;
  long long message_expire_time = 0;
  long long message_left = 0;
  long long action_time = 0;
  long long action_expire_time = 0;
  long long action_left = 0;
  long long profile_time = 0;
  long long refused_time = 0;
  long long seen_time = 0;
  long long erase_time = 0;
  long long update_time = 0;

  void SetProfile(const model::Profile& told);
};

model::Subscriber ToSubscriber(const SubscriberRow& row);

}  // namespace hongyan::storage
