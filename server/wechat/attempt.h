// What one attempt at a WeChat API came to. The only place that decides whether a message may have gone out.
//
// Contract: ClassifyAttempt is a pure function over what the transport and the answer say:
//             kAnswered  - WeChat answered intelligibly; `answer` holds its JSON, errcode 0 or not
//             kNotSent   - nothing left: another address or a repeat is safe
//             kUnknown   - at least one byte may have left and no intelligible answer came: never repeat a send
//             kRejected  - the front refused the request itself (HTTP 3xx, 4xx): our mistake, nothing was taken
// Source:   the platform's HTTP-level behaviour; unknown is the default for whatever isn't listed.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "server/http/http_client.h"
#include "server/wechat/api_json.h"

namespace hongyan::wechat {

struct Attempt {
  enum class Outcome { kAnswered, kNotSent, kUnknown, kRejected };
  Outcome outcome = Outcome::kUnknown;
  ApiAnswer answer;        // kAnswered only
  bool timed_out = false;  // the deadline given to the transport ended it
  bool busy = false;       // no connection of ours came free
  bool unreachable =
      false;  // resolving, connecting or TLS failed, or no connection lasted: the address's fault
  bool cancelled = false;    // the calling task was cancelled
  absl::Duration peer_time;  // how long the address was tried; only where no answer came
  std::string detail;        // for logs and messages: "connection refused", "HTTP 502"
};

Attempt ClassifyAttempt(http::HttpResult result);

}  // namespace hongyan::wechat
