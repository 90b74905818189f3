// Holds the access_token of one Official Account and renews it before it expires.
//
// Contract: Get() yields a token that is valid now. Callers that arrive during a renewal share it:
//           there is never more than one request for a token at a time. While the old token lives,
//           a renewal in the background or its failure makes nobody wait. A token that WeChat
//           refused is replaced only if it is still the current one, and not used again while no
//           other can be had, which is asked for in the background too. If the normal mode of
//           stable_token hands back the refused token, one forced refresh follows, at most once in
//           30 s and 10 times a day; a refused token that stays all the same is used on, for other
//           APIs may take it. Failing fetches are remembered for a while and answered from memory:
//           1, 2, 4, then 5 s while no answer comes or it is -1; 60 s and doubling to 10 min when
//           it refuses the credentials, the rate or the quota; 5 s, 15 s, 1, 2, then 5 min when it
//           answers anything else, so that no answer that stays costs more than 300 requests a day.
//           A front's HTTP 5xx, or a page, counts as silence for half an hour, and then for 2 min
//           each: 1100 requests a day.
// Errors:   FAILED_PRECONDITION ACCOUNT_CONFIG - WeChat refuses appid, secret or address.
//           UNAVAILABLE WECHAT_BUSY, WECHAT_UNREACHABLE, ACCESS_TOKEN_REJECTED - later may work.
//           RESOURCE_EXHAUSTED QUOTA_EXHAUSTED, THROTTLED; UNKNOWN and INTERNAL WECHAT_ERROR - as
//           WeChat answered. When `deadline` passes while waiting: why the fetch before failed;
//           UNAVAILABLE WECHAT_UNREACHABLE when the request for a token, whoever began it, has been
//           without an answer for half a second; else DEADLINE_EXCEEDED DEADLINE_TOO_SHORT.
//           CANCELLED - the caller left.
// Threads:  event loop only.
// Lifetime: everything it is given outlives it; `group` is drained before it goes.
// Units:    WeChat's expires_in is seconds (7200 when this was written).
// Source:   https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken and api_getaccesstoken
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/async/task_group.h"
#include "server/async/wait_list.h"
#include "server/base/metrics.h"
#include "server/base/secret.h"
#include "server/wechat/api_transport.h"

namespace hongyan::wechat {

class AccessToken {
 public:
  struct Options {
    std::string account;
    std::string app_id;
    base::Secret app_secret;
    bool classic = false;  // GET /cgi-bin/token instead of stable_token
    const char* path() const;
  };

  // A token, and which one in a row it is: what a refusal must name.
  struct Current {
    base::Secret token;
    std::uint64_t generation = 0;
  };

  AccessToken(Options options, ApiTransport& transport, async::Clock& clock, base::Metrics& metrics,
              async::TaskGroup& group);

  async::Task<absl::StatusOr<Current>> Get(async::MonoTime deadline);

  // WeChat refused the token of `generation`: yields the one that stands in for it.
  async::Task<absl::StatusOr<Current>> Replace(std::uint64_t generation, async::MonoTime deadline);

  // Fetches now and renews ahead of expiry until its task is cancelled. One for each account, in
  // the group.
  async::Task<void> KeepFresh();

  // Whether there is a token that lives and that WeChat has not refused.
  bool has_token() const;
  // Why there is no token, or why the last renewal failed; OK when neither.
  const absl::Status& last_error() const { return last_error_; }
  // Whether the last failure may be over in a second: WeChat was busy, or its answer broke.
  bool failure_may_pass() const { return !last_error_.ok() && may_pass_; }

  // Blots out of WeChat's words, and cuts them to 64 KiB before, each token that was held and may
  // still work, as it is or escaped for a URL.
  void Blot(std::string* text) const;

 private:
  enum class Mode { kNormal, kForced };
  // What a failed fetch met; each has its own pauses.
  enum class Trouble { kSilence, kFront, kRefusal, kOddAnswer };
  struct Held {
    base::Secret token;
    async::MonoTime dies;
  };
  void StartRenewal();
  async::Task<void> Renew();
  // One request for a token, into `grant`. Sets may_pass_ and trouble_ when it fails.
  async::Task<absl::Status> Fetch(Mode mode, async::MonoTime deadline, TokenGrant* grant);
  // The token in WeChat's answer, into `grant`, or what is wrong with it.
  absl::Status ReadAnswer(ApiAnswer& answer, TokenGrant* grant) const;
  void Store(TokenGrant grant, async::MonoTime fetched_at);
  // Keeps what token_ was for Blot(), as long as WeChat may take it.
  void Hold(base::Secret token);
  void Failed(absl::Status error);
  absl::Duration PauseAfterFailure();
  absl::Status DeadlinePassed() const;
  bool MayForce() const;
  bool TakeReplacement();
  absl::Status StillRefused() const;
  // Of the endpoint that yields the tokens.
  const char* path() const;

  Options options_;
  ApiTransport& transport_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  async::TaskGroup& group_;

  base::Secret token_;
  std::uint64_t generation_ = 0;
  async::MonoTime lives_until_{};
  async::MonoTime usable_until_{};
  async::MonoTime renew_at_{};
  bool refused_ = false;  // WeChat refused token_, and nothing has replaced it yet
  bool renewing_ = false;
  async::MonoTime asked_at_{};  // when the request for a token that is under way began
  async::WaitList renewed_;
  std::unique_ptr<async::Alarm> next_;

  absl::Status last_error_;
  bool may_pass_ = false;
  Trouble trouble_ = Trouble::kSilence;
  int failures_[4] = {};                   // since the last token, by Trouble
  async::MonoTime quiet_until_{};          // failures are answered from memory until then
  async::MonoTime irreplaceable_until_{};  // token_ was handed back although refused
  std::deque<async::MonoTime> forced_;     // of the last day, at most kForcedPerDay
  std::deque<Held> held_;                  // former tokens that may still work, at most kMaxHeld
  double replacements_ = 0;                // token bucket
  async::MonoTime replacements_at_{};
};

}  // namespace hongyan::wechat
