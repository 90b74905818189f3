// The head of a request to the sidecar: the scan, the parser behind it, the checks after it; and a
// query alone.
#include "server/http/request_head.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/text.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

using http::HeadLimits;
using http::HeadScanner;
using http::RequestHead;
using State = HeadScanner::State;

// Small, so that short inputs reach them.
constexpr HeadLimits kLimits{.line_bytes = 200, .head_bytes = 600, .header_count = 8};

bool IsRefusal(int status) {
  constexpr int kStatuses[] = {400, 404, 414, 417, 431, 505};
  return std::find(std::begin(kStatuses), std::end(kStatuses), status) != std::end(kStatuses);
}

void CheckQuery(absl::string_view query) {
  const auto pairs = http::ParseQuery(query);
  if (!pairs) {
    FUZZ_CHECK(query.find('%') != absl::string_view::npos);
    return;
  }
  FUZZ_CHECK(pairs->size() <=
             1 + static_cast<std::size_t>(std::count(query.begin(), query.end(), '&')));
  std::string written;
  for (const auto& [name, value] : *pairs) {
    FUZZ_CHECK(name.size() + value.size() <= query.size());
    absl::StrAppend(&written, base::UrlEscape(name), "=", base::UrlEscape(value), "&");
  }
  const auto again = http::ParseQuery(written);
  FUZZ_CHECK(again && *again == *pairs);
}

// However the bytes come in, the scan comes to the same.
void CheckPieces(absl::string_view bytes, const HeadScanner& whole, State state) {
  for (const std::size_t step : {1u, 7u}) {
    HeadScanner scanner(kLimits);
    State now = State::kMore;
    for (std::size_t end = std::min(step, bytes.size()); now == State::kMore;
         end = std::min(end + step, bytes.size())) {
      now = scanner.Scan(bytes.substr(0, end));
      if (end == bytes.size()) break;
    }
    FUZZ_CHECK(now == state && scanner.status() == whole.status());
    FUZZ_CHECK(state != State::kComplete || scanner.head_size() == whole.head_size());
  }
}

void CheckParsed(absl::string_view head_bytes) {
  boost::beast::http::request_parser<boost::beast::http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(kLimits.head_bytes + 1));
  parser.body_limit(64u << 10);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(head_bytes.data(), head_bytes.size()), error);
  if (error && error != boost::beast::http::error::need_more) return;
  if (!parser.is_header_done()) return;

  RequestHead head;
  if (const int status = http::ReadHead(parser.get().base(), head); status != 0) {
    FUZZ_CHECK(IsRefusal(status));
    return;
  }
  FUZZ_CHECK(!head.method.empty() &&
             std::all_of(head.method.begin(), head.method.end(), [](unsigned char c) {
               return absl::ascii_isupper(c) || c == '-' || c == '_';
             }));
  FUZZ_CHECK(!head.path.empty() && head.path[0] == '/');
  const boost::beast::string_view target = parser.get().target();
  FUZZ_CHECK(std::all_of(target.begin(), target.end(), absl::ascii_isgraph));
  FUZZ_CHECK(target.substr(0, head.path.size()) == head.path);
  FUZZ_CHECK(head.query.size() <= kLimits.line_bytes);

  // No two readers may see different lengths of the body, or different hosts.
  const auto& headers = parser.get().base();
  FUZZ_CHECK(headers.count("host") <= 1);
  FUZZ_CHECK(headers.count("content-length") + headers.count("transfer-encoding") <= 1);
  FUZZ_CHECK(parser.get().version() != 11 || headers.count("host") == 1);
  std::size_t count = 0;
  for (const auto& header : headers) {
    ++count;
    for (const char c : header.value()) FUZZ_CHECK(c != '\r' && c != '\n' && c != '\0');
  }
  FUZZ_CHECK(count <= kLimits.header_count);
  if (headers.count("content-length") > 0) {
    const boost::beast::string_view length = headers["content-length"];
    FUZZ_CHECK(!length.empty() && std::all_of(length.begin(), length.end(), absl::ascii_isdigit));
  }
}

void CheckHead(absl::string_view bytes) {
  HeadScanner scanner(kLimits);
  const State state = scanner.Scan(bytes);
  CheckPieces(bytes, scanner, state);
  switch (state) {
    case State::kMore:
      FUZZ_CHECK(bytes.size() <= kLimits.head_bytes + 1);
      return;
    case State::kRefused:
      FUZZ_CHECK(IsRefusal(scanner.status()));
      return;
    case State::kComplete:
      break;
  }
  const absl::string_view head = bytes.substr(0, scanner.head_size());
  FUZZ_CHECK(head.size() <= kLimits.head_bytes);
  // It ends with the first empty line.
  FUZZ_CHECK(head == "\r\n" || head.find("\r\n\r\n") == head.size() - 4);
  CheckParsed(head);
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view input = hongyan::fuzz::View(data, size);
  hongyan::fuzz::CheckHead(input);
  hongyan::fuzz::CheckQuery(input);
  return 0;
}
