// An answer of WeChat's API, read by each reader; and its errcode and errmsg as an error for
// callers.
#include <google/rpc/error_details.pb.h>

#include <boost/json/serialize.hpp>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/wechat/api_json.h"
#include "server/wechat/errcode.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

using wechat::ApiAnswer;

// protobuf refuses to parse strings that are no UTF-8.
void CheckText(const std::string& text) {
  google::rpc::DebugInfo info;
  info.set_detail(text);
  google::rpc::DebugInfo again;
  FUZZ_CHECK(again.ParseFromString(info.SerializeAsString()));
}

void CheckUser(const model::User& user) {
  FUZZ_CHECK(!user.openid.empty() && user.openid.size() <= 128);
  // What google.protobuf.Timestamp can hold.
  if (user.subscribe_time) {
    const std::int64_t seconds = absl::ToUnixSeconds(*user.subscribe_time);
    FUZZ_CHECK(seconds > 0 && seconds <= 253402300799);
  }
  const model::Profile& profile = user.profile;
  for (const std::string* text :
       {&user.openid, &profile.unionid, &profile.subscribe_scene, &profile.remark,
        &profile.qr_scene_str, &profile.language, &profile.nickname, &profile.head_image_url,
        &profile.city, &profile.province, &profile.country}) {
    CheckText(*text);
  }
  for (const std::int32_t tag : profile.tag_ids) FUZZ_CHECK(tag >= 0);
}

void CheckReaders(const ApiAnswer& answer) {
  if (const auto token = wechat::ReadToken(answer); token.ok()) {
    FUZZ_CHECK(!token->access_token.empty() && token->access_token.size() <= 1024);
    FUZZ_CHECK(token->expires_in_seconds > 0 && token->expires_in_seconds <= 30 * 86400);
  }
  if (const auto id = wechat::ReadMsgId(answer); id.ok()) FUZZ_CHECK(*id >= 0);
  wechat::OddFields odd;
  if (const auto user = wechat::ReadUser(answer, "oAsked", odd); user.ok()) CheckUser(*user);
  if (const auto users = wechat::ReadUsers(answer, odd); users.ok()) {
    for (const auto& user : users->users) CheckUser(user);
  }
  if (const auto page = wechat::ReadFollowers(answer, "asked", odd); page.ok()) {
    FUZZ_CHECK(page->next_openid != "asked");
    FUZZ_CHECK(page->next_openid.empty() || !page->openids.empty() || page->unusable > 0);
    for (const std::string& openid : page->openids) CheckText(openid);
    CheckText(page->next_openid);
  }
  if (const auto templates = wechat::ReadTemplates(answer, odd); templates.ok()) {
    for (const auto& entry : templates->templates) {
      FUZZ_CHECK(!entry.template_id.empty());
      CheckText(entry.template_id);
      CheckText(entry.title);
      CheckText(entry.content);
    }
  }
  // Names of ours, never words of the answer.
  for (const std::string& field : odd) FUZZ_CHECK(field.size() <= 16);
}

void CheckError(std::int64_t errcode, const std::string& errmsg) {
  for (const char* api : {"/cgi-bin/stable_token", "/cgi-bin/message/custom/typing"}) {
    const wechat::WechatError error{errcode, errmsg, api, "main"};
    const absl::Status status = wechat::ToStatus(error);
    FUZZ_CHECK(status.ok() == (wechat::ClassifyErrcode(errcode, api) == wechat::ErrorClass::kOk));
    CheckText(std::string(status.message()));
    FUZZ_CHECK(status.message().size() <= 4096);
  }
  const std::string rid = wechat::FindRid(errmsg);
  FUZZ_CHECK(rid.size() <= 64);
  for (const char c : rid) FUZZ_CHECK(absl::ascii_isxdigit(c) || c == '-');
  const std::string key = wechat::FindInvalidDataKey(errmsg);
  FUZZ_CHECK(key.size() <= 64);
  for (const char c : key) FUZZ_CHECK(absl::ascii_isalnum(c) || c == '_');
  const std::string address = wechat::FindAddress(errmsg);
  FUZZ_CHECK(address.size() <= 45);
  for (const char c : address) FUZZ_CHECK(absl::ascii_isxdigit(c) || c == '.' || c == ':');
}

void CheckAnswer(absl::string_view body) {
  const auto answer = wechat::ParseAnswer(std::string(body));
  if (!answer.ok()) return;
  FUZZ_CHECK(answer->errcode >= std::numeric_limits<std::int32_t>::min() &&
             answer->errcode <= std::numeric_limits<std::int32_t>::max());
  CheckText(answer->errmsg);
  CheckReaders(*answer);
  CheckError(answer->errcode, answer->errmsg);

  // Written and read again, it says the same, but for numbers beyond a double: those are written as
  // words.
  const std::string written = boost::json::serialize(answer->json);
  if (absl::StrContains(written, "Infinity") || absl::StrContains(written, "NaN")) return;
  const auto again = wechat::ParseAnswer(written);
  FUZZ_CHECK(again.ok() && again->errcode == answer->errcode && again->errmsg == answer->errmsg);
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view body = hongyan::fuzz::View(data, size);
  hongyan::fuzz::CheckAnswer(body);
  // An errmsg may be any text; the JSON around it is not the point here.
  hongyan::fuzz::CheckError(40164, std::string(body));
  hongyan::fuzz::CheckError(47003, std::string(body));
  return 0;
}
