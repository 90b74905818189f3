// What the HTTP server and its handlers exchange: a request's head, a reply, and the two questions
// a handler answers.
//
// Contract: CheckHead() is asked when the head is complete and lawful, before a byte of the body is
//           read; a reply from it ends the exchange and the connection. Otherwise Handle() gets the
//           whole body and makes the reply. A reply of 400 and above closes the connection.
// Errors:   none: every outcome is a reply. A handler never throws.
// Threads:  event loop only.
// Lifetime: the handler outlives its server's Drain().
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/async/task.h"

namespace hongyan::http {

struct RequestHead {
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  std::string method;
  std::string path;  // before '?', not decoded: compare exactly
  Pairs query;       // decoded, in order; what comes twice is there twice; may hold secrets
  std::string peer;  // address without port, of the connection itself
  async::MonoTime received_mono;
};

struct HttpReply {
  int status = 200;
  std::string content_type;  // empty: none is sent
  std::string body;
  std::string allow;  // for 405
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual std::optional<HttpReply> CheckHead(const RequestHead& head) = 0;
  virtual async::Task<HttpReply> Handle(RequestHead head, std::string body) = 0;
  // The server refused something by itself, with this status: a request malformed, too large or too
  // slow; 0: a connection, for want of room. `peer`: as in RequestHead.
  virtual void OnRefused(int /*status*/, absl::string_view /*peer*/) {}
  // The server closed a connection that waited for its peer, in favour of a newer one.
  virtual void OnEvicted(absl::string_view /*peer*/) {}
};

}  // namespace hongyan::http
