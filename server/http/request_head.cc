#include "server/http/request_head.h"

#include <algorithm>
#include <boost/beast/http/field.hpp>
#include <boost/url/encoding_opts.hpp>
#include <boost/url/pct_string_view.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/base/text.h"

namespace hongyan::http {
namespace {

namespace beast_http = boost::beast::http;

absl::string_view View(boost::beast::string_view s) { return {s.data(), s.size()}; }

bool IsMethod(absl::string_view method) {
  return !method.empty() && method.size() <= 16 &&
         std::all_of(method.begin(), method.end(),
                     [](char c) { return absl::ascii_isupper(c) || c == '-' || c == '_'; });
}

// "GET /path HTTP/1.1": the method's and the version's form. The target is looked at later.
int CheckRequestLine(absl::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == absl::string_view::npos || last == first) return 400;
  if (!IsMethod(line.substr(0, first))) return 400;
  const absl::string_view version = line.substr(last + 1);
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return 0;
  const bool is_version = version.size() == 8 && absl::StartsWith(version, "HTTP/") &&
                          absl::ascii_isdigit(version[5]) && version[6] == '.' &&
                          absl::ascii_isdigit(version[7]);
  return is_version ? 505 : 400;
}

int CheckHost(const beast_http::request_header<>& parsed, bool http10_without_host) {
  const std::size_t count = parsed.count(beast_http::field::host);
  if (count == 0 && parsed.version() == 10 && http10_without_host) return 0;
  if (count != 1) return 400;
  const absl::string_view host = View(parsed[beast_http::field::host]);
  const bool lawful = std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("-._~%!$&'()*+;=:[]", c);
  });
  return lawful ? 0 : 400;
}

// One way to say how long the body is, or none.
int CheckLength(const beast_http::request_header<>& parsed) {
  const std::size_t lengths = parsed.count(beast_http::field::content_length);
  const std::size_t codings = parsed.count(beast_http::field::transfer_encoding);
  if (lengths + codings > 1) return 400;
  if (lengths == 1) {
    const absl::string_view length = View(parsed[beast_http::field::content_length]);
    if (length.empty() || !std::all_of(length.begin(), length.end(), absl::ascii_isdigit)) {
      return 400;
    }
  }
  if (codings == 1) {
    const absl::string_view coding = View(parsed[beast_http::field::transfer_encoding]);
    if (parsed.version() != 11 || !absl::EqualsIgnoreCase(coding, "chunked")) return 400;
  }
  return 0;
}

int CheckTarget(absl::string_view target) {
  if (absl::StartsWithIgnoreCase(target, "http://") ||
      absl::StartsWithIgnoreCase(target, "https://")) {
    return 404;
  }
  const bool lawful = absl::StartsWith(target, "/") && base::IsVisibleAscii(target) &&
                      !absl::StrContains(target, '#');
  return lawful ? 0 : 400;
}

// Nothing when an escape is broken.
std::optional<std::string> DecodeQuery(absl::string_view text) {
  const auto escaped = boost::urls::make_pct_string_view({text.data(), text.size()});
  if (escaped.has_error()) return std::nullopt;
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  return escaped->decode(options);
}

}  // namespace

HeadScanner::State HeadScanner::Refuse(int status) {
  status_ = status;
  return State::kRefused;
}

int HeadScanner::CheckLine(absl::string_view line) const {
  if (lines_ == 0) return CheckRequestLine(line);
  if (line[0] == ' ' || line[0] == '\t') return 400;  // a folded line
  return 0;
}

HeadScanner::State HeadScanner::Scan(absl::string_view bytes) {
  for (; position_ < bytes.size(); ++position_) {
    const char c = bytes[position_];
    if (position_ >= limits_.head_bytes) return Refuse(431);
    if (c == '\r') {
      if (position_ + 1 == bytes.size()) return State::kMore;
      if (bytes[position_ + 1] != '\n') return Refuse(400);
      continue;
    }
    if (c == '\0') return Refuse(400);
    if (position_ == 0 && !absl::ascii_isupper(c)) return Refuse(400);
    if (c != '\n') {
      if (position_ - line_start_ < limits_.line_bytes) continue;
      return Refuse(lines_ == 0 ? 414 : 431);
    }
    if (position_ == line_start_ || bytes[position_ - 1] != '\r') return Refuse(400);
    const absl::string_view line = bytes.substr(line_start_, position_ - 1 - line_start_);
    line_start_ = position_ + 1;
    if (line.empty()) {
      ++position_;
      return State::kComplete;
    }
    if (const int status = CheckLine(line); status != 0) return Refuse(status);
    if (lines_++ > limits_.header_count) return Refuse(431);
  }
  return State::kMore;
}

int ReadHead(const beast_http::request_header<>& parsed, RequestHead& head,
             bool http10_without_host) {
  if (const int status = CheckHost(parsed, http10_without_host); status != 0) return status;
  if (const int status = CheckLength(parsed); status != 0) return status;
  const absl::string_view target = View(parsed.target());
  if (const int status = CheckTarget(target); status != 0) return status;
  if (parsed.count(beast_http::field::expect) > 0) return 417;

  head.method = std::string(View(parsed.method_string()));
  const std::size_t mark = target.find('?');
  head.path = std::string(target.substr(0, mark));
  if (mark != absl::string_view::npos) {
    auto query = ParseQuery(target.substr(mark + 1));
    if (!query) return 400;
    head.query = std::move(*query);
  }
  return 0;
}

std::optional<RequestHead::Pairs> ParseQuery(absl::string_view query) {
  RequestHead::Pairs pairs;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    std::optional<std::string> name = DecodeQuery(parts.first);
    std::optional<std::string> value = DecodeQuery(parts.second);
    if (!name || !value) return std::nullopt;
    pairs.emplace_back(*std::move(name), *std::move(value));
  }
  return pairs;
}

}  // namespace hongyan::http
