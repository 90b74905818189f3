// An error for programs, with `-o json`: one object on one line of standard error.
//
//   {"error":{"code":"FAILED_PRECONDITION","reason":"NOT_SUBSCRIBED","domain":"weixin.qq.com",
//             "message":"…","localized_message":"…","what_to_do":"…","outcome":"not_sent",
//             "metadata":{"errcode":"43004"},"fields":[{"field":"openid","description":"…"}],
//             "quotas":[{"subject":"…","description":"…"}],"retry_after_seconds":1.5,
//             "request_id":"…"}}
//
// Contract: `code` and `message` are always there, the rest where it is known. `message` is
//           English, `localized_message` Chinese. Nothing in it can steer the terminal.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "hongyan_client/error.h"

namespace hongyan::cli {

// What is known beside the error itself; empty: left away.
struct ErrorContext {
  std::string what_to_do = {};
  // Of a send: not_sent or unknown.
  absl::string_view outcome = {};
};

// With its line break.
std::string ErrorJson(const client::Error& error, const ErrorContext& context);

}  // namespace hongyan::cli
