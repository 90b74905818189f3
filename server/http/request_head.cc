#include "server/http/request_head.h"

#include <algorithm>
#include <boost/beast/http/field.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
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

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool Decode(absl::string_view text, std::string& out) {
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return true;
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
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const absl::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto& [name, value] = pairs.emplace_back();
    if (!Decode(pair.substr(0, equals), name)) return std::nullopt;
    if (equals < pair.size() && !Decode(pair.substr(equals + 1), value)) return std::nullopt;
  }
  return pairs;
}

}  // namespace hongyan::http
