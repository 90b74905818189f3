// GET /cgi-bin/token and POST /cgi-bin/stable_token.
#include "api.h"
#include "fields.h"
#include "wechat_errors.h"

namespace hongyan::sandbox {
namespace {

struct Credentials {
  std::string grant_type;
  std::string app_id;
  std::string secret;
};

// 0 and the account, or what WeChat answers to these credentials.
ApiAnswer CheckCredentials(ApiContext& context, const Credentials& given, Account** account) {
  if (given.grant_type != "client_credential") return Refuse(40002);
  if (given.app_id.empty()) return Refuse(41002);
  *account = context.platform.Find(given.app_id);
  if (*account == nullptr) return Refuse(40013);
  const AccountSettings& settings = (*account)->settings;
  if (given.secret.empty()) return Refuse(41004);
  if (settings.account_frozen) return Refuse(50007);
  if (settings.secret_frozen) return Refuse(40243);
  if (given.secret != settings.app_secret) return Refuse(40125);
  if (!settings.ip_whitelisted) {
    const std::string& address = context.request.remote_address;
    ApiAnswer answer = Refuse(40164);
    answer.errmsg = "invalid ip " + address + " ipv6 ::ffff:" + address + ", not in whitelist";
    return answer;
  }
  if (!(*account)->CountCall(context.request.path)) return Refuse(45009);
  return {};
}

ApiAnswer ToAnswer(const TokenGrant& grant) {
  if (grant.errcode != 0) return Refuse(grant.errcode);
  return Answered({{"access_token", grant.token}, {"expires_in", grant.expires_in_seconds}});
}

}  // namespace

ApiAnswer GetToken(ApiContext& context) {
  const Query& query = context.request.query;
  Account* account = nullptr;
  ApiAnswer wrong = CheckCredentials(
      context, {query.Get("grant_type"), query.Get("appid"), query.Get("secret")}, &account);
  if (wrong.errcode != 0) return wrong;
  return ToAnswer(account->tokens.TakeClassic());
}

ApiAnswer GetStableToken(ApiContext& context) {
  Credentials given;
  bool force = false;
  const std::string error = FieldReader(context.body)
                                .String("grant_type", &given.grant_type)
                                .String("appid", &given.app_id)
                                .String("secret", &given.secret)
                                .Bool("force_refresh", &force)
                                .Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  Account* account = nullptr;
  ApiAnswer wrong = CheckCredentials(context, given, &account);
  if (wrong.errcode != 0) return wrong;
  return ToAnswer(account->tokens.TakeStable(force));
}

}  // namespace hongyan::sandbox
