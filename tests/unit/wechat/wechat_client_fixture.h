// The fixture of a client's calls, and the three ends that a send can have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/wechat/wechat_client.h"
#include "tests/support/error_details.h"
#include "tests/support/wechat_test.h"

namespace hongyan::wechat {

inline constexpr char kId[] = "01JABCDEFGHJKMNPQRSTVWXYZ0";  // a client_msg_id

class WechatClientTest : public support::WechatTest {
 protected:
  WechatClientTest() { http_.Always(support::kStableTokenPath, support::Token("t1")); }

  model::CallLimit Within(absl::Duration time) const { return {In(time), true}; }
  model::CallLimit Ceiling(absl::Duration time) const { return {In(time), false}; }

  async::Task<SendResult> Text(model::CallLimit limit) {
    const model::Message compiled = Compile(TextMessage{"您好", ""});
    co_return co_await client_.Send("oABC", compiled, "", limit);
  }
  async::Task<SendResult> Template(std::string id, model::CallLimit limit) {
    TemplateMessage message;
    message.template_id = "tmpl";
    message.data = {{"thing1", "夏日蜜桃茶"}};
    const model::Message compiled = Compile(message);
    co_return co_await client_.Send("oABC", compiled, std::move(id), limit);
  }
  SendResult SendText(absl::Duration within = absl::Seconds(30)) {
    return Await(Text(Within(within)));
  }
  SendResult SendTemplate(const std::string& id, absl::Duration within = absl::Seconds(30)) {
    return Await(Template(id, Within(within)));
  }
  absl::StatusOr<model::User> GetUser(absl::Duration within = absl::Seconds(60)) {
    return Await(client_.GetUser("oABC", "zh_CN", Within(within)));
  }
  // Pauses between the requests of one path.
  std::vector<double> PausesOf(const std::string& path) const {
    std::vector<double> pauses;
    const auto requests = http_.requests(path);
    for (std::size_t i = 1; i < requests.size(); ++i) {
      pauses.push_back(absl::ToDoubleSeconds(async::Between(requests[i - 1].at, requests[i].at)));
    }
    return pauses;
  }

  AccessToken token_{OptionsOf("main"), transport_, clock_, metrics_, group_};
  WechatClient client_{"main", token_, transport_, clock_};
};
MATCHER(IsAccepted, "is accepted") {
  *result_listener << support::Describe(arg.status) << ", unknown " << arg.outcome_unknown;
  return arg.status.ok() && !arg.outcome_unknown;
}
// A failure after which the message has certainly not gone out.
MATCHER_P2(FailedWith, code, reason, "failed for certain") {
  *result_listener << support::Describe(arg.status) << ", unknown " << arg.outcome_unknown;
  return arg.status.code() == code && base::GetReason(arg.status) == reason && !arg.outcome_unknown;
}
MATCHER_P(UnknownWith, code, "has an unknown outcome") {
  *result_listener << support::Describe(arg.status) << ", unknown " << arg.outcome_unknown;
  return arg.status.code() == code && base::GetReason(arg.status) == "OUTCOME_UNKNOWN" &&
         arg.outcome_unknown;
}

}  // namespace hongyan::wechat
