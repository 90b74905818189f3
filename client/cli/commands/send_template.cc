#include <CLI/Option.hpp>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/commands/commands.h"
#include "client/cli/commands/sending.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

struct SendTemplateArgs {
  v1::SendTemplateRequest request;
  std::vector<std::string> data;  // KEY=VALUE
  std::string mini_program;       // APPID or APPID:PATH
};

absl::Status AddData(const std::string& pair, v1::Template& to) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Problem({"'$0' is not KEY=VALUE", "“$0”不是 KEY=VALUE 的形式"}, Printable(pair));
  }
  const std::string key = pair.substr(0, equals);
  if (!to.mutable_data()->insert({key, pair.substr(equals + 1)}).second) {
    return Problem({"$0 is given twice", "$0 重复出现"}, Printable(key));
  }
  return absl::OkStatus();
}

absl::Status SetMiniProgram(const std::string& text, v1::Template& to) {
  const std::size_t colon = text.find(':');
  if (colon == 0) {
    return Problem(
        {"--mini-program is APPID or APPID:PATH", "--mini-program 的形式为 APPID 或 APPID:PATH"});
  }
  to.mutable_mini_program()->set_app_id(text.substr(0, colon));
  if (colon != std::string::npos) {
    to.mutable_mini_program()->set_page_path(text.substr(colon + 1));
  }
  return absl::OkStatus();
}

int SendTemplate(SendTemplateArgs& args, Session& session) {
  v1::Template& one = *args.request.mutable_template_();
  absl::Status status;
  for (const std::string& pair : args.data) {
    if (status.ok()) status = AddData(pair, one);
  }
  if (status.ok() && !args.mini_program.empty()) status = SetMiniProgram(args.mini_program, one);
  if (!status.ok()) return Usage(session.console, status);
  args.request.set_account(session.global.account);
  return ShowSent(session, {"send template", "发送模板消息"},
                  session.client.SendTemplate(args.request, session.options()));
}

}  // namespace

void AddSendTemplate(Command& send) {
  const auto args = std::make_shared<SendTemplateArgs>();
  const std::shared_ptr<v1::SendTemplateRequest> request(args, &args->request);
  v1::Template& one = *request->mutable_template_();
  Command command =
      send.AddCommand("template", {"Send a template message (模板消息)", "发送模板消息"});
  command.AddOpenid(*request->mutable_openid(), {"Whom it goes to", "接收者的 openid"});
  command.AddArgument("TEMPLATE_ID", *one.mutable_template_id(),
                      {"From the account's list", "公众号自己的模板列表中的 ID"});
  command.AddArguments("KEY=VALUE", args->data, {"The template's keywords", "模板的关键词和取值"})
      ->required();
  command.AddOption("--url", "URL", *one.mutable_url(),
                    {"Opened when the message is tapped", "点击消息时打开的网址"});
  command.AddOption("--mini-program", "APPID[:PATH]", args->mini_program,
                    {"Opened instead of the URL", "代替网址打开的小程序"});
  AddSendOptions(command, request);
  command.OnRun({[args](Session& session) { return SendTemplate(*args, session); }});
}

}  // namespace hongyan::cli
