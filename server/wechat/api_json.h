// WeChat's JSON: the only file that writes or reads it.
//
// Contract: bodies are raw UTF-8 without a \u escape for anything above 0x1f, keys in a fixed
//           order, so their bytes can be compared. Answers are read by content, whatever their
//           Content-Type: a byte-order mark is skipped, an absent errcode is 0 and told apart by
//           has_errcode, numbers may come as strings, 64-bit numbers stay exact, unknown keys are
//           ignored. An answer that doesn't parse is tried once more with raw control characters
//           and ill-formed UTF-8 replaced. Strings that are read are well-formed UTF-8.
// Errors:   kDataLoss "unintelligible answer…" - not an answer of this API. No text of the answer
//           is quoted.
// Source:   the page of each API, for example
//           https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
//           Numbers that come as strings, halves of characters and invalid UTF-8 are in no
//           page; they have been seen.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/model/message.h"
#include "server/wechat/messages.h"

namespace hongyan::wechat {

// An answer whose envelope was understood.
struct ApiAnswer {
  std::int64_t errcode = 0;
  bool has_errcode = false;  // under this very name: "errCode" is none
  std::string errmsg;
  boost::json::object json;
};

absl::StatusOr<ApiAnswer> ParseAnswer(std::string body);

// Bodies. Strings must be well-formed UTF-8.
model::Message Compile(const MessageContent& content);
// `client_msg_id`: empty, or of a kind whose repeats WeChat recognizes.
std::string SendBody(const std::string& openid, const model::Message& message,
                     const std::string& client_msg_id);
std::string TypingBody(const std::string& openid, bool cancel);
std::string StableTokenBody(const std::string& app_id, const std::string& app_secret, bool force);
std::string BatchGetBody(const std::vector<std::string>& openids, const std::string& lang);

// WeChat's names of the fields that were not what they should be, and were taken as absent.
using OddFields = std::set<std::string>;

// What a template message was compiled from.
TemplateMessage ReadTemplate(const model::Message& message);

// Answers with errcode 0. What an answer can't do without makes it unintelligible where it is
// missing or odd; any other odd field is absent and named in `odd`. In a list an unusable entry is
// counted and hides no other.
absl::StatusOr<TokenGrant> ReadToken(const ApiAnswer& answer);
// 0 where the answer has no msgid.
absl::StatusOr<std::int64_t> ReadMsgId(const ApiAnswer& answer);
// `asked`: whom the request named, and so whom an answer without a usable openid is about, if it
// says whether the person follows.
absl::StatusOr<model::User> ReadUser(const ApiAnswer& answer, const std::string& asked,
                                     OddFields& odd);
absl::StatusOr<UserBatch> ReadUsers(const ApiAnswer& answer, OddFields& odd);
// `asked`: the next_openid of the request. WeChat's last full page names one too, so that the end
// shows in several ways.
absl::StatusOr<FollowerPage> ReadFollowers(const ApiAnswer& answer, const std::string& asked,
                                           OddFields& odd);
absl::StatusOr<TemplateList> ReadTemplates(const ApiAnswer& answer, OddFields& odd);

}  // namespace hongyan::wechat
