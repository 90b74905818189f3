// Sends one HTTP request to an account's callback URL, as WeChat's servers do.
//
// Contract: one connection a push; the whole of it (name, connect, TLS, answer) has five seconds.
// Redirects are not
//           followed, certificates are not verified (test servers sign their own).
// Errors:   by value in PushOutcome::error; status 0 then.
// Threads:  event loop only.       Lifetime: the pusher outlives its pushes.
// Bounds:   an answer of 1 MiB.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <string>

namespace hongyan::sandbox {

struct PushRequest {
  std::string method;
  // http:// or https://, with path and perhaps a query of its own.
  std::string url;
  // Appended to the URL's query.
  std::string query;
  std::string content_type;
  std::string body;
  std::chrono::milliseconds time_limit{5000};
};

struct PushOutcome {
  int status = 0;
  std::string body;
  std::string content_type;
  int64_t elapsed_ms = 0;
  std::string error;
};

class CallbackPusher {
 public:
  CallbackPusher();
  boost::asio::awaitable<PushOutcome> Push(PushRequest request);

 private:
  boost::asio::ssl::context tls_;
};

}  // namespace hongyan::sandbox
