// WeChat's APIs for one Official Account: token, request, errcode → Status, and the one retry
// decision of a call.
//
// Contract: a call ends with an answer, a definite failure, or an unknown outcome, and says how
//           many request bodies left. -1 is repeated up to three times with 1, 2, 4 s and jitter
//           inside the deadline; a refused token is replaced and the call repeated once. A send
//           whose outcome is unknown is never repeated, unless WeChat recognizes the repeat by its
//           client_msg_id; reads are. A field of a read's answer that is odd and not needed is
//           absent, and a warning names it. One user's answer that doesn't say whether the person
//           follows is WECHAT_ERROR, for to ask again brings the same. A 200 without errcode is no
//           answer to a send. After three 45009 in a row an API is left alone for 5 s at a time,
//           for this account only.
// Errors:   those of errcode.h, and OUTCOME_UNKNOWN, WECHAT_UNREACHABLE, DEADLINE_TOO_SHORT,
//           CANCELLED, WECHAT_ERROR (see protos/hongyan/v1/errors.proto for their codes).
// Threads:  event loop only.   Lifetime: everything it is given outlives it.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
//           https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html
//           https://developers.weixin.qq.com/doc/offiaccount/User_Management/Getting_a_User_List.html
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/async/clock.h"
#include "server/model/call_limit.h"
#include "server/wechat/access_token.h"
#include "server/wechat/api_json.h"
#include "server/wechat/api_transport.h"
#include "server/wechat/messages.h"

namespace hongyan::wechat {

// What became of one message.
struct SendResult {
  absl::Status status;
  bool outcome_unknown = false;  // it may have gone out
  int attempts = 0;              // request bodies that left
  std::int64_t msg_id = 0;
};

class WechatClient {
 public:
  WechatClient(std::string account, AccessToken& token, ApiTransport& transport,
               async::Clock& clock);

  // The paths of all APIs that a client calls, but for those that give out tokens.
  static std::vector<absl::string_view> Apis();

  // `client_msg_id`: at most 32 bytes of ASCII; empty, or of a kind whose repeats WeChat doesn't
  // recognize: there is none.
  async::Task<SendResult> Send(std::string openid, const model::Message& message,
                               std::string client_msg_id, model::CallLimit limit);
  async::Task<absl::Status> SetTyping(std::string openid, bool cancel, model::CallLimit limit);
  async::Task<absl::StatusOr<model::User>> GetUser(std::string openid, std::string lang,
                                                   model::CallLimit limit);
  // At most 100 openids. The answer may hold fewer users, in another order.
  async::Task<absl::StatusOr<UserBatch>> GetUsers(std::vector<std::string> openids,
                                                  std::string lang, model::CallLimit limit);
  // The followers after `next_openid`; empty: from the first. Counts against a small daily quota.
  async::Task<absl::StatusOr<FollowerPage>> ListFollowers(std::string next_openid,
                                                          model::CallLimit limit);
  async::Task<absl::StatusOr<TemplateList>> ListTemplates(model::CallLimit limit);

 private:
  enum class AfterUnknown { kGiveUp, kRepeat };
  struct Call {
    std::string path;
    std::string query;  // without the token
    std::string body;
    AfterUnknown after_unknown = AfterUnknown::kGiveUp;
    bool is_send = false;
    bool leaves_nothing = false;  // a send without a message: typing
    model::CallLimit limit;
  };
  struct Outcome {
    absl::Status status;  // OK: `answer` has errcode 0, or WeChat recognized a repeat
    bool unknown = false;
    int attempts = 0;
    ApiAnswer answer;
  };
  // The three-in-a-row rule of one API.
  struct Quota {
    int exhausted_in_a_row = 0;
    async::MonoTime closed_until{};
    absl::Status error;
  };

  // `call` is the caller's, who waits for the end.
  async::Task<Outcome> Run(const Call& call);
  // What an attempt without answer means for a send or a read. Not for a repeatable one with time
  // left.
  absl::Status WithoutAnswer(const Call& call, const Attempt& attempt) const;
  absl::Status Unknown(const Call& call, const std::string& detail) const;
  // For what is no send: WeChat gave no usable answer.
  absl::Status Unusable(const Call& call, const std::string& detail) const;
  // For one user: asking again brings the same answer.
  absl::Status Unreadable(const Call& call, absl::string_view field) const;
  static bool IsHarmless(const Call& call, const Attempt& attempt);
  absl::Status TooLate(const Call& call) const;
  // Waits before a repeat. False: it would not end in time, or the caller left.
  async::Task<bool> BackOff(int repeat, async::MonoTime deadline);
  // Logs that these fields of WeChat's answer were not what they should be, each once in ten
  // minutes. No value of them.
  void WarnOfOddFields(const std::string& path, const OddFields& fields);
  void NoteQuota(const std::string& path, std::int64_t errcode, const absl::Status& status);

  std::string account_;
  AccessToken& token_;
  ApiTransport& transport_;
  async::Clock& clock_;
  std::map<std::string, Quota> quotas_;  // by path, so as many as there are APIs
  std::map<std::pair<std::string, std::string>, async::MonoTime> warned_;  // by path and field
};

}  // namespace hongyan::wechat
