// The head of an HTTP/1 request, from raw bytes to a RequestHead: stricter than the parser behind
// it.
//
// Contract: HeadScanner looks at raw bytes as they come and refuses what proxies read in different
//           ways (bare CR or LF, NUL, folded lines, wrong versions) and what is over its limits.
//           ReadHead() then checks what the parser took: Host, Content-Length, Transfer-Encoding,
//           Expect, the target.
// Errors:   an HTTP status to answer with; 0 is none.
// Bounds:   linear in the bytes, each looked at once.
// Source:   RFC 9112; the limits are those of docs/operations.md.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "server/http/http_exchange.h"

namespace hongyan::http {

struct HeadLimits {
  std::size_t line_bytes = 8u << 10;   // each line, without its CR LF
  std::size_t head_bytes = 16u << 10;  // all lines, their ends included
  std::size_t header_count = 64;
  bool http10_without_host = false;  // HTTP/1.0 doesn't require one
};

class HeadScanner {
 public:
  enum class State { kMore, kComplete, kRefused };

  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  // `bytes`: all that came so far, from the request's first byte on.
  State Scan(absl::string_view bytes);

  // After kComplete: the head's length with its empty line.
  std::size_t head_size() const { return position_; }
  // After kRefused.
  int status() const { return status_; }

 private:
  State Refuse(int status);
  int CheckLine(absl::string_view line) const;

  const HeadLimits& limits_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
  int status_ = 0;
};

// Fills method, path and query of `head`. Returns the status to refuse with, or 0.
int ReadHead(const boost::beast::http::request_header<>& parsed, RequestHead& head,
             bool http10_without_host = false);

// The pairs of a query: '&' between them, '+' is a blank, %XX is a byte. Nothing when an escape is
// broken.
std::optional<RequestHead::Pairs> ParseQuery(absl::string_view query);

}  // namespace hongyan::http
