// The fixture of tests that send through configured accounts against a scripted platform.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "server/core/accounts.h"
#include "server/model/delivery.h"
#include "server/wechat/api_json.h"
#include "server/wechat/wechat_client.h"
#include "tests/support/wechat_test.h"

namespace hongyan::support {

class CoreTest : public WechatTest {
 protected:
  CoreTest() { http_.Always(kStableTokenPath, Token("t1")); }

  core::Account& AddAccount(const std::string& name) {
    return accounts_.Add(OptionsOf(name), transport_, clock_, metrics_, group_);
  }

  model::CallLimit Within(absl::Duration time) const { return {In(time), true}; }

  static model::Notification Text(const std::string& content = "您好") {
    model::Notification notification;
    notification.openid = "oABC";
    notification.message = wechat::Compile(wechat::TextMessage{content, ""});
    return notification;
  }
  static model::Notification Template(std::map<std::string, std::string> data = {{"thing1",
                                                                                  "夏日蜜桃茶"}},
                                      const std::string& template_id = "tmpl") {
    model::Notification notification;
    notification.openid = "oABC";
    wechat::TemplateMessage message;
    message.template_id = template_id;
    message.data = std::move(data);
    notification.message = wechat::Compile(message);
    return notification;
  }
  static model::Notification WithKey(model::Notification notification, const std::string& key) {
    notification.idempotency_key = key;
    return notification;
  }

  core::Accounts accounts_;
  core::Account& main_ = AddAccount("main");
};

}  // namespace hongyan::support
