#include "api.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "doubled_field.h"
#include "fields.h"
#include "wechat_errors.h"

namespace hongyan::sandbox {
namespace {

enum class Method { kGet, kPost, kEither };

struct Endpoint {
  std::string_view path;
  Method method;
  bool needs_token;
  ApiAnswer (*handle)(ApiContext&);
};

constexpr Endpoint kEndpoints[] = {
    {"/cgi-bin/token", Method::kEither, false, GetToken},
    {"/cgi-bin/stable_token", Method::kPost, false, GetStableToken},
    {"/cgi-bin/message/custom/send", Method::kPost, true, SendCustomMessage},
    {"/cgi-bin/message/custom/typing", Method::kPost, true, SetTyping},
    {"/cgi-bin/message/template/send", Method::kPost, true, SendTemplateMessage},
    {"/cgi-bin/template/get_all_private_template", Method::kGet, true, GetAllPrivateTemplates},
    {"/cgi-bin/user/info", Method::kGet, true, GetUserInfo},
    {"/cgi-bin/user/info/batchget", Method::kPost, true, BatchGetUserInfo},
    {"/cgi-bin/tags/getidlist", Method::kPost, true, ListTagsOfUser},
    {"/cgi-bin/user/get", Method::kGet, true, ListFollowers},
    {"/cgi-bin/openapi/quota/get", Method::kPost, true, GetQuota},
    {"/cgi-bin/openapi/rid/get", Method::kPost, true, GetRid},
    {"/cgi-bin/getcallbackip", Method::kGet, true, GetAddresses},
    {"/cgi-bin/get_api_domain_ip", Method::kGet, true, GetAddresses},
};

const Endpoint* FindEndpoint(const std::string& path) {
  const auto found = std::find_if(std::begin(kEndpoints), std::end(kEndpoints),
                                  [&path](const Endpoint& each) { return each.path == path; });
  return found == std::end(kEndpoints) ? nullptr : found;
}

int64_t CheckToken(Account* account, const std::string& token) {
  if (token.empty()) return 41001;
  if (account == nullptr) {
    const bool well_formed =
        token.size() >= 16 && token.find_first_not_of(kUrlSafeAlphabet) == std::string::npos;
    return well_formed ? 40001 : 40014;
  }
  switch (account->tokens.Judge(token)) {
    case TokenVerdict::kGood:
      return 0;
    case TokenVerdict::kExpired:
      return 42001;
    case TokenVerdict::kRefused:
    case TokenVerdict::kNeverIssued:
      return 40001;
  }
  return 40001;
}

ApiAnswer CheckBody(const ApiRequest& request) {
  if (request.body.empty()) return Refuse(44002);
  if (!DecodeUtf8(request.body, nullptr)) return Refuse(47001, ", the body is not UTF-8");
  if (HasUnicodeEscape(request.body)) return Refuse(40033);
  if (!request.document.is_object()) return Refuse(47001, ", the body is not a JSON object");
  if (const std::string doubled = FirstDoubledField(request.body); !doubled.empty()) {
    return Refuse(47001, ", doubled field: " + doubled);
  }
  return {};
}

}  // namespace

void Identify(Platform& platform, ApiRequest& request) {
  if (!request.body.empty()) {
    json::error_code error;
    request.document = json::parse(request.body, error);
    if (error) request.document = nullptr;
  }
  const json::object* body = request.document.if_object();
  request.token = request.query.Get("access_token");
  if (Account* account = platform.FindByToken(request.token)) {
    request.app_id = account->settings.app_id;
  } else if (request.path == "/cgi-bin/token") {
    request.app_id = request.query.Get("appid");
  } else if (request.path == "/cgi-bin/stable_token" && body != nullptr) {
    request.app_id = StringField(*body, "appid");
  }
  request.openid = request.query.Get("openid");
  if (body != nullptr) {
    if (request.openid.empty()) request.openid = StringField(*body, "touser");
    request.client_msg_id = StringField(*body, "client_msg_id");
    const json::value* text = body->if_contains("text");
    if (text != nullptr && text->is_object()) {
      request.content = StringField(text->get_object(), "content");
    }
  }
}

ApiAnswer Answer(Platform& platform, const Ledger& ledger, const ApiRequest& request) {
  const Endpoint* endpoint = FindEndpoint(request.path);
  if (endpoint == nullptr) return Refuse(40066);
  const bool is_get = request.method == "GET";
  const bool is_post = request.method == "POST";
  if (endpoint->method == Method::kGet && !is_get) return Refuse(43001);
  if (endpoint->method == Method::kPost && !is_post) return Refuse(43002);
  if (!is_get && !is_post) return Refuse(43001);

  Account* account = nullptr;
  if (endpoint->needs_token) {
    account = platform.FindByToken(request.token);
    const int64_t errcode = CheckToken(account, request.token);
    if (errcode != 0) return Refuse(errcode);
    if (account->settings.account_frozen) return Refuse(50002);
    if (!account->settings.verified) return Refuse(48001);
    if (!account->CountCall(request.path)) return Refuse(45009);
  }
  const json::object empty;
  const bool has_body = endpoint->method == Method::kPost;
  if (has_body) {
    ApiAnswer wrong = CheckBody(request);
    if (wrong.errcode != 0) return wrong;
  }
  ApiContext context{platform, ledger, request, account,
                     has_body ? request.document.get_object() : empty};
  return endpoint->handle(context);
}

bool IsKnownApi(const std::string& path) { return FindEndpoint(path) != nullptr; }

std::string Render(const ApiAnswer& answer, const std::string& rid) {
  json::object out;
  if (answer.errcode != 0) {
    out = {{"errcode", answer.errcode}, {"errmsg", answer.errmsg + " rid: " + rid}};
  } else if (answer.says_ok) {
    out = {{"errcode", 0}, {"errmsg", "ok"}};
  }
  for (const auto& member : answer.fields) out[member.key()] = member.value();
  return json::serialize(out);
}

std::string BodyForLedger(const ApiRequest& request) {
  const json::object* body = request.document.if_object();
  if (body == nullptr || !body->contains("secret")) return request.body;
  json::object redacted = *body;
  redacted["secret"] = "***";
  return json::serialize(redacted);
}

ApiAnswer Refuse(int64_t errcode, const std::string& detail) {
  ApiAnswer answer;
  answer.errcode = errcode;
  answer.errmsg = std::string(WeChatMessage(errcode)) + detail;
  answer.outcome = "refused";
  return answer;
}

ApiAnswer Answered(json::object fields) {
  ApiAnswer answer;
  answer.fields = std::move(fields);
  answer.says_ok = false;
  return answer;
}

}  // namespace hongyan::sandbox
