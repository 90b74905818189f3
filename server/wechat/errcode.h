// What WeChat's errcodes mean: class, gRPC code, reason, and the sentences for people.
//
// Contract: plain functions of their arguments. Every code that WeChat has documented has a row in
//           errcode_table.h; any other code is kUnknown, UNKNOWN, WECHAT_ERROR and is never worth a
//           repeat. The class decides the gRPC code. Statuses carry domain weixin.qq.com and the
//           metadata api, errcode, errmsg, rid, and address (40164). errmsg differs with each
//           request: nothing here compares it, and no row depends on it.
// Errors:   none; texts of any bytes and any length are accepted.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html and the error list
//           of each API's page; codes that only developers reported are marked (community) in
//           the table.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hongyan::wechat {

enum class ErrorClass {
  kOk,
  kToken,         // replace the access_token and call once more
  kBusy,          // repeat after a pause
  kThrottle,      // too fast: pause a minute
  kQuota,         // used up: this API is closed until the counter is reset
  kUnreachable,   // this recipient can't get this message
  kDuplicate,     // WeChat has this message already
  kArgument,      // the request is wrong
  kConfig,        // the account's or the service's set-up is wrong
  kUnauthorized,  // the account may not use this API
  kPolicy,        // refused for its content
  kUnknown,       // not in the table
};

struct WechatError {
  std::int64_t errcode = 0;
  std::string errmsg;
  std::string api;  // the path, for example /cgi-bin/message/custom/send; a query is cut off
  std::string account;
};

// Three codes depend on the API: 40001 and 50004 are kConfig where a token is fetched, and 45081
// ("typing already") is kOk for typing only. A kArgument where a token is fetched is nobody's but
// ours: INTERNAL.
ErrorClass ClassifyErrcode(std::int64_t errcode, absl::string_view api);

// OK for what ClassifyErrcode calls kOk.
absl::Status ToStatus(const WechatError& error);

// Whether `api` is one of the two calls that yield an access_token.
bool IsTokenApi(absl::string_view api);

// The request id at the end of an errmsg ("… rid: 61725984-6126f6f9-040f19c4"): hex digits and
// dashes, 64 at most. Empty when there is none.
std::string FindRid(absl::string_view errmsg);

// The caller's address as WeChat saw it, from the errmsg of 40164 ("invalid ip 203.0.113.9 ipv6
// ::ffff:203.0.113.9, not in whitelist"): a valid IPv4 address, or an IPv6 one where there is no
// other. Empty when there is none.
std::string FindAddress(absl::string_view errmsg);

// The template keyword that the errmsg of 47003 complains about ("argument invalid!
// data.thing22.value invalid"): letters, digits and underscores, 64 at most. Empty when there is
// none.
std::string FindInvalidDataKey(absl::string_view errmsg);

}  // namespace hongyan::wechat
