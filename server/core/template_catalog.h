// The account's own templates, and what their keywords take.
//
// Contract: Check() holds a message against the list that WeChat gave at most ten minutes ago:
//           template_id known, keywords neither missing nor strange, each value within the limit of
//           its type. A template that the list doesn't have makes it fetched once more, at most
//           once a minute. Whoever comes during a fetch waits for it. What WeChat's list doesn't
//           tell readably is not held against a message.
// Errors:   INVALID_ARGUMENT INVALID_TEMPLATE_ID or INVALID_TEMPLATE_VALUE naming the fields; else
//           those of WechatClient::ListTemplates.
// Threads:  event loop only.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/async/clock.h"
#include "server/async/wait_list.h"
#include "server/wechat/messages.h"
#include "server/wechat/wechat_client.h"

namespace hongyan::core {

class TemplateCatalog {
 public:
  TemplateCatalog(wechat::WechatClient& client, async::Clock& clock)
      : client_(client), clock_(clock), fetched_(clock) {}

  // OK at once for a message that is no template.
  async::Task<absl::Status> Check(const model::Message& compiled, model::CallLimit limit);

 private:
  const wechat::TemplateInfo* Find(const std::string& template_id) const;
  // Whether the list must be fetched before it can say something of this template.
  bool Lacks(const std::string& template_id) const;

  wechat::WechatClient& client_;
  async::Clock& clock_;
  wechat::TemplateList list_;
  std::optional<async::MonoTime> fetched_at_;
  bool fetching_ = false;
  async::WaitList fetched_;
};

// The keywords of a template's content: "{{thing1.DATA}}" → "thing1". In their order, each once.
std::vector<std::string> ListKeywords(const std::string& content);

// What is wrong with `value` for a keyword of this name; empty when nothing. Keywords without a
// typed name (first, keyword1 …) take anything but nothing.
struct ValueProblem {
  std::string english;
  std::string chinese;
  bool empty() const { return english.empty(); }
};
ValueProblem CheckValue(absl::string_view keyword, absl::string_view value);

// All of `message` against one template.
absl::Status CheckAgainst(const wechat::TemplateMessage& message, const wechat::TemplateInfo& info);

}  // namespace hongyan::core
