#include "server/storage/subscriber_table.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/storage/micros.h"

namespace hongyan::storage {
namespace {

// The one list of columns; the keys come first.
template <typename F>
void EachColumn(SubscriberRow& row, F&& f) {
  f("account", row.account);
  f("openid", row.openid);
  f("unionid", row.unionid);
  f("subscribed", row.subscribed);
  f("state_time", row.state_time);
  f("subscribe_time", row.subscribe_time);
  f("unsubscribe_time", row.unsubscribe_time);
  f("subscribe_scene", row.subscribe_scene);
  f("remark", row.remark);
  f("group_id", row.group_id);
  f("tag_ids", row.tag_ids);
  f("qr_scene", row.qr_scene);
  f("qr_scene_str", row.qr_scene_str);
  f("language", row.language);
  f("nickname", row.nickname);
  f("head_image_url", row.head_image_url);
  f("sex", row.sex);
  f("city", row.city);
  f("province", row.province);
  f("country", row.country);
  f("last_inbound_time", row.last_inbound_time);
  f("message_time", row.message_time);
  f("message_expire_time", row.message_expire_time);
  f("message_left", row.message_left);
  f("action_time", row.action_time);
  f("action_expire_time", row.action_expire_time);
  f("action_left", row.action_left);
  f("profile_time", row.profile_time);
  f("refused_time", row.refused_time);
  f("seen_time", row.seen_time);
  f("erase_time", row.erase_time);
  f("update_time", row.update_time);
}

std::vector<std::string> ColumnNames() {
  std::vector<std::string> names;
  SubscriberRow row;
  EachColumn(row, [&names](const char* name, auto&) { names.emplace_back(name); });
  return names;
}

void Ready(soci::statement& statement, const std::string& query) {
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
}

void Use(soci::statement& statement, SubscriberRow& row) {
  EachColumn(row, [&statement](const char* name, auto& value) {
    statement.exchange(soci::use(value, name));
  });
}

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

}  // namespace

void SubscriberRow::SetProfile(const Profile& profile) {
  unionid = profile.unionid;
  subscribe_scene = profile.subscribe_scene;
  remark = profile.remark;
  group_id = profile.group_id;
  tag_ids = JoinTags(profile.tag_ids);
  qr_scene = profile.qr_scene;
  qr_scene_str = profile.qr_scene_str;
  language = profile.language;
  nickname = profile.nickname;
  head_image_url = profile.head_image_url;
  sex = profile.sex;
  city = profile.city;
  province = profile.province;
  country = profile.country;
}

void SubscriberRow::ClearPersonal() {
  nickname.clear();
  head_image_url.clear();
  sex = 0;
  city.clear();
  province.clear();
  country.clear();
}

Subscriber FromRow(const SubscriberRow& row) {
  Subscriber subscriber;
  subscriber.account = row.account;
  subscriber.openid = row.openid;
  Profile& profile = subscriber.profile;
  profile.unionid = row.unionid;
  profile.subscribe_scene = row.subscribe_scene;
  profile.remark = row.remark;
  profile.group_id = static_cast<std::int32_t>(row.group_id);
  profile.tag_ids = SplitTags(row.tag_ids);
  profile.qr_scene = row.qr_scene;
  profile.qr_scene_str = row.qr_scene_str;
  profile.language = row.language;
  profile.nickname = row.nickname;
  profile.head_image_url = row.head_image_url;
  profile.sex = static_cast<std::int32_t>(row.sex);
  profile.city = row.city;
  profile.province = row.province;
  profile.country = row.country;
  subscriber.subscribed = row.subscribed != 0;
  subscriber.subscribe_time = OptionalTimeOf(row.subscribe_time);
  subscriber.unsubscribe_time = OptionalTimeOf(row.unsubscribe_time);
  subscriber.last_inbound_time = OptionalTimeOf(row.last_inbound_time);
  subscriber.message = {OptionalTimeOf(row.message_expire_time),
                        static_cast<std::int32_t>(row.message_left)};
  subscriber.action = {OptionalTimeOf(row.action_expire_time),
                       static_cast<std::int32_t>(row.action_left)};
  subscriber.profile_time = OptionalTimeOf(row.profile_time);
  subscriber.seen_time = OptionalTimeOf(row.seen_time);
  subscriber.erase_time = OptionalTimeOf(row.erase_time);
  subscriber.update_time = TimeOf(row.update_time);
  return subscriber;
}

const std::string& SubscriberColumns() {
  static const std::string* const columns = new std::string(absl::StrJoin(ColumnNames(), ", "));
  return *columns;
}

void IntoRow(soci::statement& statement, SubscriberRow& row) {
  EachColumn(row,
             [&statement](const char*, auto& value) { statement.exchange(soci::into(value)); });
}

SubscriberStatements::SubscriberStatements(soci::session& session)
    : select_(session), insert_(session), update_(session) {
  const std::vector<std::string> names = ColumnNames();

  IntoRow(select_, row_);
  select_.exchange(soci::use(row_.account, "account"));
  select_.exchange(soci::use(row_.openid, "openid"));
  Ready(select_, absl::StrCat("SELECT ", SubscriberColumns(),
                              " FROM subscribers WHERE account = :account AND openid = :openid"));

  Use(insert_, row_);
  Ready(insert_, absl::StrCat("INSERT INTO subscribers (", SubscriberColumns(),
                              ") VALUES (:", absl::StrJoin(names, ", :"), ")"));

  Use(update_, row_);
  std::vector<std::string> sets;
  for (std::size_t i = 2; i < names.size(); ++i) {
    sets.push_back(absl::StrCat(names[i], " = :", names[i]));
  }
  Ready(update_, absl::StrCat("UPDATE subscribers SET ", absl::StrJoin(sets, ", "),
                              " WHERE account = :account AND openid = :openid"));
}

bool SubscriberStatements::Load(const std::string& account, const std::string& openid) {
  row_ = SubscriberRow();
  row_.account = account;
  row_.openid = openid;
  exists_ = select_.execute(true);
  // A statement that is left standing on its row holds on to the snapshot it read from.
  if (exists_) select_.fetch();
  return exists_;
}

void SubscriberStatements::Save() {
  (exists_ ? update_ : insert_).execute(true);
  exists_ = true;
}

}  // namespace hongyan::storage
