// The WeChat side: api.weixin.qq.com's calls, from a request's values to an answer's values.
//
// Contract: Identify() reads who a request is about, whatever is wrong with it, for ledger and
// faults. Answer() is strict:
//           path, method, token, quota, body and fields are checked in this order, and the first
//           offence answers.
// Errors:   WeChat's: an errcode in an HTTP 200, with the offending field's name where there is
// one. Threads:  event loop only.       Lifetime: nothing outlives the call. Source:
// https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Overview.html
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "ledger.h"
#include "platform.h"
#include "text.h"

namespace hongyan::sandbox {

namespace json = boost::json;

struct ApiRequest {
  std::string method;
  std::string path;
  Query query;
  std::string body;
  std::string remote_address;
  // The body as JSON; null if it is none.
  json::value document;
  // Filled by Identify().
  std::string app_id;
  std::string openid;
  std::string client_msg_id;
  // Of a text message.
  std::string content;
  std::string token;
};

struct ApiAnswer {
  int64_t errcode = 0;
  std::string errmsg;
  json::object fields;
  // Query-like calls leave errcode out when all is well.
  bool says_ok = true;
  std::string outcome = "ok";
  bool counted = false;
};

struct ApiContext {
  Platform& platform;
  const Ledger& ledger;
  const ApiRequest& request;
  // Null for the token calls.
  Account* account;
  const json::object& body;
};

void Identify(Platform& platform, ApiRequest& request);
ApiAnswer Answer(Platform& platform, const Ledger& ledger, const ApiRequest& request);
bool IsKnownApi(const std::string& path);
// The JSON text that leaves; `rid` ends the message of a failure.
std::string Render(const ApiAnswer& answer, const std::string& rid);
// The body as the ledger keeps it: without the secret of a token call.
std::string BodyForLedger(const ApiRequest& request);

// An answer with the code's wording, then `detail`.
ApiAnswer Refuse(int64_t errcode, const std::string& detail = "");
ApiAnswer Answered(json::object fields);

// One call each, by file: api_token.cc, api_message.cc, api_template.cc, api_user.cc, api_tools.cc.
ApiAnswer GetToken(ApiContext& context);
ApiAnswer GetStableToken(ApiContext& context);
ApiAnswer SendCustomMessage(ApiContext& context);
ApiAnswer SetTyping(ApiContext& context);
ApiAnswer SendTemplateMessage(ApiContext& context);
ApiAnswer GetAllPrivateTemplates(ApiContext& context);
ApiAnswer GetUserInfo(ApiContext& context);
ApiAnswer BatchGetUserInfo(ApiContext& context);
ApiAnswer ListTagsOfUser(ApiContext& context);
ApiAnswer ListFollowers(ApiContext& context);
ApiAnswer GetQuota(ApiContext& context);
ApiAnswer GetRid(ApiContext& context);
ApiAnswer GetAddresses(ApiContext& context);

}  // namespace hongyan::sandbox
