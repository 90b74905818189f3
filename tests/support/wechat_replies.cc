#include "tests/support/wechat_replies.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hongyan::support {

using http::HttpFailure;
using http::HttpResponse;

Reply Json(std::string body) { return {HttpResponse{200, std::move(body)}}; }

Reply Accepts() { return Json(R"({"errcode":0,"errmsg":"ok"})"); }

Reply AcceptsAs(std::int64_t msg_id) {
  return Json(absl::StrCat(R"({"errcode":0,"errmsg":"ok","msgid":)", msg_id, "}"));
}

Reply Refuses(std::int64_t errcode, const std::string& errmsg) {
  return Json(
      absl::StrCat(R"({"errcode":)", errcode, R"(,"errmsg":")", errmsg, " rid: ", kRid, R"("})"));
}

Reply Token(const std::string& token, absl::Duration life) {
  return Json(absl::StrCat(R"({"access_token":")", token, R"(","expires_in":)",
                           absl::ToInt64Seconds(life), "}"));
}

Reply HttpStatus(int status) {
  return {HttpResponse{status, "<html><body><h1>nginx</h1></body></html>"}};
}

Reply ConnectionRefused() {
  return {HttpFailure{HttpFailure::Kind::kConnect, false, "connection refused"}};
}

Reply BreaksAfterSending() {
  return {HttpFailure{HttpFailure::Kind::kReceive, true, "connection reset by peer"}};
}

Reply KeepAliveDied() {
  return {HttpFailure{HttpFailure::Kind::kNotResent, true, "connection died, not sent again"}};
}

Reply NeverAnswers() { return Slowly(absl::InfiniteDuration(), Accepts()); }

Reply Slowly(absl::Duration after, Reply reply) {
  reply.after = after;
  return reply;
}

Reply Held(Reply reply) {
  reply.held = true;
  return reply;
}

}  // namespace hongyan::support
