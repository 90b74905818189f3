// What the platform may say, in the words of a test.
//
// Source: https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html
//         https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/support/fake_http_client.h"

namespace hongyan::support {

inline constexpr char kStableTokenPath[] = "/cgi-bin/stable_token";
inline constexpr char kClassicTokenPath[] = "/cgi-bin/token";
inline constexpr char kTextPath[] = "/cgi-bin/message/custom/send";
inline constexpr char kTypingPath[] = "/cgi-bin/message/custom/typing";
inline constexpr char kTemplatePath[] = "/cgi-bin/message/template/send";
inline constexpr char kTemplateListPath[] = "/cgi-bin/template/get_all_private_template";
inline constexpr char kUserPath[] = "/cgi-bin/user/info";
inline constexpr char kUserBatchPath[] = "/cgi-bin/user/info/batchget";

inline constexpr char kRid[] = "61725984-6126f6f9-040f19c4";

Reply Json(std::string body);
// {"errcode":0,"errmsg":"ok"}
Reply Accepts();
// Accepted as a template message of this msgid.
Reply AcceptsAs(std::int64_t msg_id);
// `errmsg` is followed by a rid, as always.
Reply Refuses(std::int64_t errcode, const std::string& errmsg = "some words");
Reply Token(const std::string& token, absl::Duration life = absl::Seconds(7200));
Reply HttpStatus(int status);

// Nothing left.
Reply ConnectionRefused();
// The request left; then the connection broke.
Reply BreaksAfterSending();
// A reused connection died under the request.
Reply KeepAliveDied();
// The request left; no answer ever comes.
Reply NeverAnswers();

Reply Slowly(absl::Duration after, Reply reply);
// Waits for FakeHttpClient::Release().
Reply Held(Reply reply);

}  // namespace hongyan::support
