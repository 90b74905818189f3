#include "client/cli/commands/commands.h"

namespace hongyan::cli {

void AddCommands(Command& program) {
  Command send = program.AddGroup("send", {"Send messages", "发送消息"});
  AddSendText(send);
  AddSendTemplate(send);
  AddSendBatch(send);

  Command user = program.AddGroup("user", {"Look users up", "查询用户"});
  AddUserGet(user);
  AddUserBatch(user);

  Command subscriber = program.AddGroup(
      "subscriber", {"Show who follows, as the service has stored it", "查看服务已存储的关注者"});
  AddSubscriberGet(subscriber);
  AddSubscriberList(subscriber);
  AddSubscriberSync(subscriber);

  Command event = program.AddGroup("event", {"Show what WeChat pushed", "查看微信推送的事件"});
  AddEventList(event);
  AddEventWatch(event);
}

}  // namespace hongyan::cli
