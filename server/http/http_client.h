// One HTTP request to the platform: bytes out, bytes in. Knows nothing of WeChat.
//
// Contract: an answer of any status is a value. No answer is an HttpFailure that says whether
//           anything of the request may have left. What it means for a message is decided in
//           wechat/attempt.h and nowhere else. No POST of which a byte may have left is ever sent
//           again, and no redirect followed. A GET may be: on a new connection, when a pooled one
//           dies under it before its answer.
// Bounds:   the answer's body at most kMaxResponseBytes, its header at most 64 KiB.
// Threads:  event loop only.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <variant>

#include "server/async/task.h"

namespace hongyan::http {

inline constexpr std::size_t kMaxResponseBytes = 1 << 20;

struct HttpRequest {
  enum class Method { kGet, kPost };
  Method method = Method::kGet;
  std::string url;   // with its query, so a secret: never logged
  std::string body;  // POST only; leaves as application/json with its Content-Length
  async::MonoTime deadline;
  // For the request itself, once it has a connection's place; the wait for one may take as long
  // again.
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
  // Nothing leaves from then on.
  async::MonoTime begin_by = async::MonoTime::max();
};

struct HttpResponse {
  int status = 0;
  std::string body;
  // What Retry-After asks for, as seconds or as a date; 0 where there is none. Not bounded, and
  // below 0 for a date that has passed.
  std::chrono::seconds retry_after{0};
};

struct HttpFailure {
  enum class Kind {
    kResolve,    // no address for the name
    kConnect,    // refused, unreachable, or not connected in time
    kTls,        // handshake or certificate
    kBusy,       // all connections are in use, and none came free in time
    kTimeout,    // `deadline`, `timeout` or `begin_by` passed
    kCancelled,  // the calling task was cancelled
    kSend,       // the connection broke while the request left
    kReceive,    // the connection broke before or inside the answer, or the answer was not HTTP
    kNotResent,  // a reused connection died under the request, which was not sent again
    kTooLarge,   // the answer went over its bound
    kOther,      // out of memory, of descriptors and the like: nobody's fault but ours
  };
  Kind kind = Kind::kOther;
  // Whether at least one byte of the request may have reached the peer.
  bool request_began = false;
  std::string detail;  // for logs; holds no URL
  // How long the peer was tried: the look-up of its name and the wait for a connection's place are
  // not in it.
  std::chrono::nanoseconds peer_time{0};
};

using HttpResult = std::variant<HttpResponse, HttpFailure>;

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual async::Task<HttpResult> Send(HttpRequest request) = 0;
};

}  // namespace hongyan::http
