// WeChat's signature of a callback: SHA-1 over the sorted parts.
//
// Contract: the parts are sorted as bytes and joined without a separator; hex digits are lower
//           case. A signature says who called, never what: it does not cover the body, and parts
//           cut elsewhere can give the same one, so the caller checks the form of each part too.
// Threads:  any; pure.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html
//           Example: token AAAAA, timestamp 1714036504, nonce 1514711492 give
//           SHA1("15147114921714036504AAAAA") = f464b24fc39322e44b38aa78f5edd27bd1441696.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/base/secret.h"

namespace hongyan::wechat {

std::string Signature(std::vector<absl::string_view> parts);

// Whether `signature` is that of the token, the timestamp and the nonce. The time taken tells
// nothing about how much of it is right.
bool SignatureMatches(const base::Secret& token, absl::string_view timestamp,
                      absl::string_view nonce, absl::string_view signature);

// The same for an encrypted push, whose `encrypt` (the base64 as it came, still encrypted) is one
// of the parts: unlike `signature`, `msg_signature` covers what was sent.
bool MsgSignatureMatches(const base::Secret& token, absl::string_view timestamp,
                         absl::string_view nonce, absl::string_view encrypt,
                         absl::string_view msg_signature);

}  // namespace hongyan::wechat
