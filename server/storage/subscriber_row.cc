#include "server/storage/subscriber_row.h"

#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/storage/micros.h"

namespace hongyan::storage {
namespace {

std::string JoinTags(const std::vector<std::int32_t>& tags) {
  return tags.empty() ? "" : absl::StrCat(",", absl::StrJoin(tags, ","), ",");
}

std::vector<std::int32_t> SplitTags(const std::string& text) {
  std::vector<std::int32_t> tags;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    std::int32_t tag = 0;
    if (absl::SimpleAtoi(part, &tag)) tags.push_back(tag);
  }
  return tags;
}

model::Window ToWindow(long long expire_time, long long left) {
  return {ToOptionalTime(expire_time), static_cast<std::int32_t>(left)};
}

}  // namespace

void SubscriberRow::SetProfile(const model::Profile& told) {
  profile = told;
  profile.tag_ids.clear();
  tag_ids = JoinTags(told.tag_ids);
}

model::Subscriber ToSubscriber(const SubscriberRow& row) {
  model::Subscriber subscriber;
  subscriber.account = row.account;
  subscriber.openid = row.openid;
  subscriber.profile = row.profile;
  subscriber.profile.tag_ids = SplitTags(row.tag_ids);
  subscriber.subscribed = row.subscribed != 0;
  subscriber.subscribe_time = ToOptionalTime(row.subscribe_time);
  subscriber.unsubscribe_time = ToOptionalTime(row.unsubscribe_time);
  subscriber.last_inbound_time = ToOptionalTime(row.last_inbound_time);
  subscriber.message = ToWindow(row.message_expire_time, row.message_left);
  subscriber.action = ToWindow(row.action_expire_time, row.action_left);
  subscriber.profile_time = ToOptionalTime(row.profile_time);
  subscriber.erase_time = ToOptionalTime(row.erase_time);
  subscriber.update_time = ToTime(row.update_time);
  return subscriber;
}

}  // namespace hongyan::storage
