// One request to the platform over the ordered `api_urls`.
//
// Contract: Call tries the addresses in their order and goes on to the next only while nothing has been sent. An
//           address that failed 5 times within 10 s is passed over for 30 s, unless all are.
//           Each try has at most `timeout`, and all together end by `deadline`. Each is counted and, at the level
//           debug, logged.
// Threads:  event loop only.          Lifetime: `http` and `clock` outlive it.
// Source:   the platform's access domains and HTTP-level behaviour.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
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
};

class ApiTransport {
 public:
  ApiTransport(http::HttpClient& http, async::Clock& clock, base::Metrics& metrics,
               std::vector<std::string> api_urls, absl::Duration timeout);

  async::Task<Attempt> Call(ApiRequest request);

 private:
  struct Address {
    std::string url;
    std::deque<async::MonoTime> failures;  // at most kFailuresToOpen
    async::MonoTime closed_until{};        // passed over until then
  };
  void Failed(Address& address);
  void Note(const ApiRequest& request, const Attempt& attempt, absl::Duration took);

  http::HttpClient& http_;
  async::Clock& clock_;
  base::Metrics& metrics_;
  std::vector<Address> addresses_;
  absl::Duration timeout_;
  absl::flat_hash_set<std::int64_t> odd_codes_;  // not in the table, at most kMaxOddCodes
};

}  // namespace hongyan::wechat
