#include <memory>

#include "client/cli/commands/commands.h"
#include "client/cli/commands/user_lang.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/session.h"

namespace hongyan::cli {
namespace {

int GetUser(v1::GetUserInfoRequest& request, Session& session) {
  request.set_account(session.global.account);
  const auto response = session.client.GetUserInfo(request, session.options());
  if (!response.ok()) return session.Fail({"user get", "查询用户"}, response.status());
  session.console.out << (session.json() ? JsonLine(response->user())
                                         : UserTable(response->user(), session.console.zone));
  return kExitOk;
}

}  // namespace

void AddUserGet(Command& user) {
  const auto request = std::make_shared<v1::GetUserInfoRequest>();
  Command get = user.AddCommand("get", {"Show one user", "查询一个用户"});
  get.AddOpenid(*request->mutable_openid(), {"The user", "用户的 openid"});
  AddLang(get, request);
  get.OnRun({[request](Session& session) { return GetUser(*request, session); }});
}

}  // namespace hongyan::cli
