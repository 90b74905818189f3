// One person, as an Official Account's platform knows him.
// Units: seconds since 1970 where the name says so.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "clock.h"

namespace hongyan::sandbox {

struct User {
  std::string openid;
  std::string unionid;
  std::string remark;
  std::vector<int64_t> tag_ids;
  int64_t group_id = 0;
  bool subscribed = true;
  bool blacklisted = false;
  bool refuses_messages = false;
  int64_t subscribe_time_seconds = 0;
  std::string subscribe_scene = "ADD_SCENE_SEARCH";
  int64_t qr_scene = 0;
  std::string qr_scene_str;
  std::string language = "zh_CN";
  boost::json::object odd_fields;  // stand in the answers about him as they are
  Time window_until{};
  int64_t allowance = 0;
  Time typing_until{};  // shown to the user until then
};

}  // namespace hongyan::sandbox
