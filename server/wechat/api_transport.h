// One request to the platform over the ordered `api_urls`.
//
// Contract: Call tries the addresses in their order and goes on to the next only while nothing has
//           been sent. An address that gave no answer to a request that left (a broken connection,
//           a 5xx, something unintelligible, a time-out) is passed over: that call ends there,
//           later ones begin with another. So is one that couldn't be connected to 5 times within
//           10 s. A caller's deadline says something of an address only when the request has left
//           and the address was tried for half a second, or for 2 s where nothing left, or when
//           five callers in a row left it without an answer for as long. After 30 s
//           ProbeAddresses() asks it, or one call at a time tries it again: one whose repeat does
//           no harm or, as long as connecting was all that failed, any. An answer to a request that
//           began after the failure ends it. When no other address can be reached those passed over
//           are tried too, for nothing better is left. Each try has at most `timeout`, and all
//           together end by `deadline`. Each is counted and, at the level debug, logged.
// Threads:  event loop only.          Lifetime: `http` and `clock` outlive it.
// Source:   the platform's access domains and HTTP-level behaviour.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "server/async/clock.h"
#include "server/base/metrics.h"
#include "server/http/http_client.h"
#include "server/wechat/attempt.h"

namespace hongyan::wechat {

struct ApiRequest {
  std::string account;  // for metrics
  std::string path;     // "/cgi-bin/message/custom/send"
  std::string query;    // escaped, without '?'; holds the token, so never logged
  std::string body;     // empty: GET
  async::MonoTime deadline;
  // Nothing leaves from then on.
  async::MonoTime begin_by = async::MonoTime::max();
  // To send it twice does no harm, as with a read: it may try an address of which nobody knows
  // whether it answers.
  bool harmless = false;
  AbsentErrcode absent_errcode = AbsentErrcode::kIsUnintelligible;
};

class ApiTransport {
 public:
  ApiTransport(http::HttpClient& http, async::Clock& clock, base::Metrics& metrics,
               std::vector<std::string> api_urls, absl::Duration timeout);

  async::Task<Attempt> Call(ApiRequest request);

  // Asks addresses that are passed over whether they answer again, every 30 s until its task is
  // cancelled: a GET without a token, which WeChat refuses with an errcode and counts for no
  // account, nor does the metric of requests. So a service that only sends comes back to its first
  // address too, and no message finds out. An address that fails again within ten minutes is asked
  // after twice as long, up to ten minutes, for each time one send may pay. Run it once.
  async::Task<void> ProbeAddresses();

 private:
  struct Address {
    std::string url;
    std::deque<async::MonoTime> failures;  // to connect; at most kFailuresToOpen
    int hurried = 0;  // callers in a row who left without an answer before a fair time was over
    async::MonoTime hurried_since{};
    bool passed_over = false;
    bool after_request = false;  // it takes requests and doesn't answer them
    async::MonoTime failed_at{};
    async::MonoTime try_again_at{};
    absl::Duration pause;           // before it is tried again
    async::MonoTime answered_at{};  // when it was last taken back
  };
  using Order = absl::InlinedVector<Address*, 8>;

  // The addresses in the order in which this request tries them.
  Order OrderFor(const ApiRequest& request);
  static bool MayProbe(const Address& address, const ApiRequest& request, async::MonoTime now);
  // What the end of a try that began at `begun` says of the address. `hurried`: the caller ended
  // it.
  void Judge(Address& address, const Attempt& attempt, async::MonoTime begun, bool hurried);
  // Of those that are passed over, whose time comes first; null: none is.
  Address* NextToProbe();
  async::Task<void> Probe(Address& address);
  void Answered(Address& address, async::MonoTime begun);
  void FailedToConnect(Address& address, const std::string& problem);
  void PassOver(Address& address, bool after_request, const std::string& problem);
  void Note(const ApiRequest& request, const Attempt& attempt, absl::Duration took);

  http::HttpClient& http_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  std::vector<Address> addresses_;
  absl::Duration timeout_;
  std::unique_ptr<async::Alarm> next_probe_;
  absl::flat_hash_set<std::int64_t> odd_codes_;  // not in the table, at most kMaxOddCodes
};

}  // namespace hongyan::wechat
