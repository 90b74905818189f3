// What WeChat calls: server verification (GET) and pushes (POST), each account on its own path and
// in its own mode.
//
// Contract: CheckHead() refuses before the body is read: unknown path 404, other method 405, a
//           parameter missing or doubled 400, a wrong signature, an old timestamp or a push that is
//           encrypted in plain mode or not in the others 403 with an empty body. Then a GET is
//           answered with the very bytes of `echostr`, a POST with `success` or with the account's
//           reply, in the form (XML or JSON) of the push and encrypted as it was; 400 for a
//           body that is neither or can't be deciphered, 403 for a wrong msg_signature and for
//           another body under a known signature, 503 when it can't be recorded.
// Bounds:   waits for storage only, EventIntake's two seconds, and for the account's handler, so
//           WeChat's five are kept. At most one log line a second, one about the clock an hour and
//           one about a wrong path a minute.
// Threads:  event loop only.
// Lifetime: accounts, intake, clock and metrics outlive this object.
// Secrets:  signatures, echostr, openids and contents are neither logged nor counted.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/base/metrics.h"
#include "server/core/accounts.h"
#include "server/core/event_intake.h"
#include "server/http/http_exchange.h"

namespace hongyan::endpoints {

class CallbackEndpoint final : public http::HttpHandler {
 public:
  // A reply, and how it is counted.
  struct Verdict {
    http::HttpReply reply;
    absl::string_view outcome;
    absl::string_view type = "unknown";
  };

  // `window`: how far a timestamp may be off; zero: not looked at.
  CallbackEndpoint(core::Accounts& accounts, absl::Duration window, core::EventIntake& intake,
                   async::Clock& clock, base::Metrics& metrics)
      : window_(window), clock_(clock), metrics_(metrics), accounts_(accounts), intake_(intake) {}

  std::optional<http::HttpReply> CheckHead(const http::RequestHead& head) override;
  async::Task<http::HttpReply> Handle(http::RequestHead head, std::string body) override;
  void OnRefused(int status, absl::string_view peer) override;
  void OnEvicted(absl::string_view peer) override;

 private:
  std::optional<Verdict> Refuse(const http::RequestHead& head, absl::Time now);
  // Whether a right signature's timestamp lies within the window: `skew` is our clock less it.
  bool NoteSkew(absl::Duration skew);
  async::Task<Verdict> AnswerPush(core::Account& account, const http::RequestHead& head,
                                  const std::string& body);
  http::HttpReply Counted(const http::RequestHead& head, Verdict verdict);
  // One line a second; `suppressed` says how many there would have been since.
  void LogRefusal(absl::string_view account, absl::string_view outcome, int status,
                  absl::string_view peer, absl::string_view path = {});
  // What comes to a path that no account has, and looks like WeChat's: whoever set the URL in the
  // console reads the log.
  void WarnOfWrongPath(const http::RequestHead& head);

  const absl::Duration window_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  core::Accounts& accounts_;
  core::EventIntake& intake_;
  std::optional<async::MonoTime> last_skew_warning_;
  std::optional<async::MonoTime> last_path_warning_;
  int path_warnings_suppressed_ = 0;
  std::optional<async::MonoTime> last_log_;
  int suppressed_ = 0;
};

}  // namespace hongyan::endpoints
