// GET /cgi-bin/user/info, POST /cgi-bin/user/info/batchget, GET /cgi-bin/user/get,
// POST /cgi-bin/tags/getidlist.
#include <optional>
#include <utility>

#include "api.h"
#include "fields.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostOfBatch = 100;
constexpr size_t kFollowersOfPage = 10000;

bool IsLanguage(const std::string& lang) {
  return lang.empty() || lang == "zh_CN" || lang == "zh_TW" || lang == "en";
}

json::array TagsOf(const User& user) {
  json::array tags;
  for (const int64_t tag : user.tag_ids) tags.push_back(tag);
  return tags;
}

json::object SoundJson(const User& user) {
  if (!user.subscribed) {
    json::object out = {{"subscribe", 0}, {"openid", user.openid}};
    if (!user.unionid.empty()) out["unionid"] = user.unionid;
    return out;
  }
  json::object out = {{"subscribe", 1},
                      {"openid", user.openid},
                      {"language", user.language},
                      {"subscribe_time", user.subscribe_time_seconds},
                      {"remark", user.remark},
                      {"groupid", user.group_id},
                      {"tagid_list", TagsOf(user)},
                      {"subscribe_scene", user.subscribe_scene},
                      {"qr_scene", user.qr_scene},
                      {"qr_scene_str", user.qr_scene_str}};
  if (!user.unionid.empty()) out["unionid"] = user.unionid;
  return out;
}

json::object ToJson(const User& user) {
  json::object out = SoundJson(user);
  for (const auto& member : user.odd_fields) out[member.key()] = member.value();
  return out;
}

}  // namespace

ApiAnswer GetUserInfo(ApiContext& context) {
  const Query& query = context.request.query;
  if (query.Get("openid").empty()) return Refuse(41009);
  if (!IsLanguage(query.Get("lang"))) return Refuse(40035, ", lang");
  const std::optional<User> user = context.account->LookUp(query.Get("openid"));
  return user.has_value() ? Answered(ToJson(*user)) : Refuse(40003);
}

ApiAnswer BatchGetUserInfo(ApiContext& context) {
  const json::array* list = nullptr;
  const std::string error = FieldReader(context.body).Array("user_list", &list).Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  if (list == nullptr || list->empty()) return Refuse(40031);
  if (list->size() > kMostOfBatch) return Refuse(40032);
  json::array users;
  for (const json::value& item : *list) {
    if (!item.is_object()) return Refuse(47001, ", user_list: objects expected");
    std::string openid, lang;
    const std::string wrong =
        FieldReader(item.get_object()).String("openid", &openid).String("lang", &lang).Finish();
    if (!wrong.empty()) return Refuse(47001, ", user_list." + wrong);
    if (!IsLanguage(lang)) return Refuse(40035, ", lang");
    const std::optional<User> user = context.account->LookUp(openid);
    if (!user.has_value()) return Refuse(40003);
    users.push_back(ToJson(*user));
  }
  return Answered({{"user_info_list", std::move(users)}});
}

ApiAnswer ListTagsOfUser(ApiContext& context) {
  std::string openid;
  const std::string error = FieldReader(context.body).String("openid", &openid).Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  const std::optional<User> user = context.account->LookUp(openid);
  return user.has_value() ? Answered({{"tagid_list", TagsOf(*user)}}) : Refuse(40003);
}

ApiAnswer ListFollowers(ApiContext& context) {
  const Account& account = *context.account;
  const std::string start = context.request.query.Get("next_openid");
  if (!start.empty() && !account.LookUp(start).has_value()) return Refuse(40003);
  json::array openids;
  for (const std::string& openid : account.FollowersAfter(start, kFollowersOfPage)) {
    openids.push_back(json::value(openid));
  }
  const auto count = static_cast<int64_t>(openids.size());
  // The last page names its last openid; the page after it is empty and has no "data" at all.
  json::object out = {{"total", account.FollowerCount()}, {"count", count}};
  out["next_openid"] = count == 0 ? json::value("") : openids.back();
  if (count > 0) out["data"] = json::object{{"openid", std::move(openids)}};
  return Answered(std::move(out));
}

}  // namespace hongyan::sandbox
