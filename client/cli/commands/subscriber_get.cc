#include <CLI/Option.hpp>
#include <memory>
#include <string>

#include "client/cli/commands/commands.h"
#include "client/cli/json_line.h"
#include "client/cli/output.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"

namespace hongyan::cli {
namespace {

int GetSubscriber(v1::GetSubscriberRequest& request, Session& session) {
  Console& console = session.console;
  if (request.subscriber_case() == v1::GetSubscriberRequest::SUBSCRIBER_NOT_SET) {
    return Usage(console, Problem({"give an openid, or a unionid with --unionid",
                                   "请给出 openid，或用 --unionid 给出 unionid"}));
  }
  request.set_account(session.global.account);
  const auto response = session.client.GetSubscriber(request, session.options());
  if (!response.ok()) return session.Fail({"subscriber get", "查询关注者"}, response.status());
  console.out << (session.json() ? JsonLine(response->subscriber())
                                 : SubscriberTable(response->subscriber(), console.zone));
  return kExitOk;
}

}  // namespace

void AddSubscriberGet(Command& subscriber) {
  const auto request = std::make_shared<v1::GetSubscriberRequest>();
  Command get = subscriber.AddCommand("get", {"Show one subscriber", "查询一个关注者"});
  CLI::Option* openid =
      get.AddOpenid([request](const std::string& openid) { request->set_openid(openid); },
                    {"The subscriber", "关注者的 openid"});
  get.AddOption("--unionid", "UNIONID",
                [request](const std::string& unionid) { request->set_unionid(unionid); },
                {"Or by unionid", "或按 unionid 查询"})
      ->excludes(openid);
  get.OnRun({[request](Session& session) { return GetSubscriber(*request, session); }});
}

}  // namespace hongyan::cli
