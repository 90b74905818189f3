// What WeChat tells of a person, as plain values.
//
// To add a field of the profile: here a member and its line in EachProfileField(), which reads it
// from WeChat's JSON and keeps it in the database; its column in storage/schema.cc; and in the
// proto and api/convert.cc.
// Source: https://developers.weixin.qq.com/doc/offiaccount/User_Management/Get_users_basic_information_UnionID.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace hongyan::model {

// Emptied some time after the person has left.
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

struct ProfileField {
  const char* name;         // of its column
  const char* wechat_name;  // in WeChat's JSON
  bool personal = false;    // what people show of themselves; gone when they revoke it
};

// Calls visit(ProfileField, member) for every member but tag_ids, the only list.
template <typename ProfileOrConst, typename Visitor>
void EachProfileField(ProfileOrConst& profile, Visitor&& visit) {
  visit(ProfileField{"unionid", "unionid"}, profile.unionid);
  visit(ProfileField{"subscribe_scene", "subscribe_scene"}, profile.subscribe_scene);
  visit(ProfileField{"remark", "remark"}, profile.remark);
  visit(ProfileField{"group_id", "groupid"}, profile.group_id);
  visit(ProfileField{"qr_scene", "qr_scene"}, profile.qr_scene);
  visit(ProfileField{"qr_scene_str", "qr_scene_str"}, profile.qr_scene_str);
  visit(ProfileField{"language", "language"}, profile.language);
  visit(ProfileField{"nickname", "nickname", true}, profile.nickname);
  visit(ProfileField{"head_image_url", "headimgurl", true}, profile.head_image_url);
  visit(ProfileField{"sex", "sex", true}, profile.sex);
  visit(ProfileField{"city", "city", true}, profile.city);
  visit(ProfileField{"province", "province", true}, profile.province);
  visit(ProfileField{"country", "country", true}, profile.country);
}

// A person as user/info or WeChat's list of followers tells.
struct User {
  std::string openid;
  std::optional<bool> subscribed;            // none: WeChat's answer doesn't say
  std::optional<absl::Time> subscribe_time;  // WeChat's own
  Profile profile;  // of who doesn't follow: empty, but for perhaps the unionid
};

}  // namespace hongyan::model
