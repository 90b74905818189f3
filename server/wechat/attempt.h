// What one attempt at a WeChat API came to. The only place that decides whether a message may have
// gone out.
//
// Contract: ClassifyAttempt is a pure function over what the transport and the answer say:
//             kAnswered - WeChat answered intelligibly; `answer` holds its JSON, errcode 0 or not
//             kNotSent - nothing left: another address or a repeat is safe kUnknown - at least one
//             byte may have left and no intelligible answer came: never repeat a send kNotNow - the
//             front took nothing and says that another time may do (HTTP 408, 429) kRejected - the
//             front refused the request itself (HTTP 3xx, registered 4xx): our mistake, nothing was
//             taken
//           RefusalStatus is the error of the last two.
// Source:   the platform's HTTP-level behaviour, RFC 9110; unknown is the default for whatever
//           isn't listed: 499 and its kin are words of proxies that may have passed the request on.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/http/http_client.h"
#include "server/wechat/api_json.h"

namespace hongyan::wechat {

// What it means that a 200 has no errcode. WeChat's reads leave it out where all is well; its sends
// never do, so there the answer is somebody else's and says nothing about the message.
enum class AbsentErrcode { kIsUnintelligible, kIsZero };

struct Attempt {
  enum class Outcome { kAnswered, kNotSent, kUnknown, kNotNow, kRejected };
  Outcome outcome = Outcome::kUnknown;
  ApiAnswer answer;            // kAnswered only
  int http_status = 0;         // 0: no answer of HTTP came
  absl::Duration retry_after;  // kNotNow only: 1 s to 24 h
  bool timed_out = false;      // the deadline given to the transport ended it
  bool busy = false;           // no connection of ours came free
  // Resolving, connecting or TLS failed, or no connection lasted: the address's fault.
  bool unreachable = false;
  bool cancelled = false;  // the calling task was cancelled
  // Something of an answer came: a status of HTTP, or more than an answer may have. Else the peer
  // was silent.
  bool answer_came = false;
  bool foreign = false;      // a whole answer came, of somebody else than WeChat
  absl::Duration peer_time;  // how long the address was tried; only where no answer came
  std::string detail;        // for logs and messages: "connection refused", "HTTP 502"
};

Attempt ClassifyAttempt(http::HttpResult result, AbsentErrcode absent);

// What a caller is told of a kNotNow or a kRejected; `api`: the path.
absl::Status RefusalStatus(const Attempt& attempt, const std::string& api);

}  // namespace hongyan::wechat
