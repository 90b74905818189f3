#include <memory>

#include "client/cli/commands/commands.h"
#include "client/cli/commands/sending.h"

namespace hongyan::cli {

void AddSendText(Command& send) {
  const auto request = std::make_shared<v1::SendTextRequest>();
  Command text = send.AddCommand("text", {"Send a text (客服消息)", "发送文本（客服消息）"});
  text.AddOpenid(*request->mutable_openid(), {"Whom it goes to", "接收者的 openid"});
  text.AddArgument("CONTENT", *request->mutable_content(),
                   {"The text, at most 2048 bytes", "文本，最多 2048 字节"});
  text.AddOption("--kf-account", "NAME@ACCOUNT", *request->mutable_kf_account(),
                 {"Show it as from this customer-service account", "以该客服账号的名义显示"});
  AddSendOptions(text, request);
  text.OnRun({[request](Session& session) {
    request->set_account(session.global.account);
    return ShowSent(session, {"send text", "发送文本"},
                    session.client.SendText(*request, session.options()));
  }});
}

}  // namespace hongyan::cli
