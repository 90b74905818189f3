// What is said to WeChat and heard from it, as plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/model/profile.h"

namespace hongyan::wechat {

struct TextMessage {
  std::string content;
  std::string kf_account;  // empty: the account itself
};

struct TemplateMessage {
  std::string template_id;
  std::map<std::string, std::string> data;
  std::string url;
  std::string mini_program_app_id;  // empty: none
  std::string mini_program_page_path;
};

// What somebody can be sent.
using MessageContent = std::variant<TextMessage, TemplateMessage>;

// What user/info/batchget told.
struct UserBatch {
  std::vector<model::User> users;
  std::int64_t unusable = 0;  // entries that don't even say who it is
};

// One page of user/get, WeChat's list of an account's followers.
struct FollowerPage {
  std::int64_t total = 0;
  std::vector<std::string> openids;  // at most 10 000
  std::int64_t unusable = 0;         // entries that are no openid
  std::string next_openid;           // empty: nobody is left
};

// One entry of get_all_private_template.
struct TemplateInfo {
  std::string template_id;
  std::string title;
  std::string content;      // with placeholders {{thing1.DATA}}
  bool has_content = true;  // false: WeChat's answer doesn't say, so nothing can be held against it
};

struct TemplateList {
  std::vector<TemplateInfo> templates;
  std::int64_t unusable = 0;  // entries without a template_id
};

struct TokenGrant {
  std::string access_token;
  std::int64_t expires_in_seconds = 0;
};

}  // namespace hongyan::wechat
