// Rows of the table `subscribers` as they are, and the statements that read and write one.
//
// Contract: as event_rows.h. Load and Save go by (account, openid).
#pragma once

#include <soci/soci.h>

#include <string>

#include "server/storage/subscriber.h"

namespace hongyan::storage {

struct SubscriberRow {
  std::string account;
  std::string openid;
  std::string unionid;
  int subscribed = 0;
  long long state_time = 0;  // WeChat's time of what `subscribed` says
  long long subscribe_time = 0;
  long long unsubscribe_time = 0;
  std::string subscribe_scene;
  std::string remark;
  long long group_id = 0;
  std::string tag_ids;  // ",2,134,"
  long long qr_scene = 0;
  std::string qr_scene_str;
  std::string language;
  std::string nickname;
  std::string head_image_url;
  long long sex = 0;
  std::string city;
  std::string province;
  std::string country;
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

  void SetProfile(const Profile& profile);
  // What people show of themselves: name, picture, sex, place.
  void ClearPersonal();
};

Subscriber FromRow(const SubscriberRow& row);

// The names of all columns with commas between.
const std::string& SubscriberColumns();
// Adds the row's columns, in that order, to what the statement yields.
void IntoRow(soci::statement& statement, SubscriberRow& row);

class SubscriberStatements {
 public:
  explicit SubscriberStatements(soci::session& session);

  // The row is there until the next call. False: a new, empty one with these keys.
  bool Load(const std::string& account, const std::string& openid);
  SubscriberRow& row() { return row_; }
  // Writes what Load() gave.
  void Save();

 private:
  SubscriberRow row_;
  bool exists_ = false;
  soci::statement select_;
  soci::statement insert_;
  soci::statement update_;
};

}  // namespace hongyan::storage
