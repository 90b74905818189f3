#include "server/config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/text.h"
#include "server/config/values.h"

namespace hongyan::config {
namespace {

constexpr std::size_t kMaxTarget = 512;

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

// An address of this or another host, by number. Which of both it is, and whether it is loopback.
struct Ip {
  bool v6 = false;
  bool loopback = false;
};

std::optional<Ip> ParseIp(const std::string& text) {
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return Ip{false, (ntohl(v4.s_addr) >> 24) == 127};
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return Ip{true, IN6_IS_ADDR_LOOPBACK(&v6) != 0};
  return std::nullopt;
}

struct HostPort {
  std::string host;  // without brackets
  bool bracketed = false;
  std::optional<std::string> port;
};

// "host", "host:port", "[v6]", "[v6]:port".
std::optional<HostPort> SplitHostPort(absl::string_view text) {
  HostPort result;
  if (absl::ConsumePrefix(&text, "[")) {
    const std::size_t end = text.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    result.host = std::string(text.substr(0, end));
    result.bracketed = true;
    text.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    result.host = std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (text.empty()) return result;
  if (!absl::ConsumePrefix(&text, ":")) return std::nullopt;
  result.port = std::string(text);
  return result;
}

std::optional<int> ParsePort(const std::string& text, int lowest) {
  const auto port = ParseInteger(text);
  if (!port || *port < lowest || *port > 65535) return std::nullopt;
  return static_cast<int>(*port);
}

// gRPC takes leading zeros.
bool IsPortOfTarget(const std::string& text) {
  int port = 0;
  return text.size() <= 5 && absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

bool IsHostName(const std::string& host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

std::string ListenAddress::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const std::optional<HostPort> parts = SplitHostPort(text);
  if (!parts || !parts->port) {
    return Wrong("is not HOST:PORT, such as 127.0.0.1:9090 or [::1]:9090");
  }
  const std::optional<int> port = ParsePort(*parts->port, 0);
  if (!port) return Wrong("has a port that is not a number from 0 to 65535");
  ListenAddress result;
  result.port = *port;
  result.host = parts->host == "localhost" && !parts->bracketed ? "127.0.0.1" : parts->host;
  const std::optional<Ip> ip = ParseIp(result.host);
  if (!ip || ip->v6 != parts->bracketed) {
    return Wrong(
        "names no address to listen on: give an IPv4 address, an IPv6 address in brackets, or "
        "localhost; 0.0.0.0 or [::] for all");
  }
  result.loopback = ip->loopback;
  return result;
}

absl::StatusOr<std::string> ParseApiUrl(absl::string_view text) {
  if (!base::IsVisibleAscii(text)) return Wrong("holds characters that no URL may have");
  absl::string_view rest = text;
  const bool https = absl::ConsumePrefix(&rest, "https://");
  if (!https && !absl::ConsumePrefix(&rest, "http://")) return Wrong("is not an https:// URL");
  if (rest.find_first_of("@?#\\\"<>^`{|}") != absl::string_view::npos) {
    return Wrong("must be a base URL, without credentials, query or fragment");
  }
  const absl::string_view authority = rest.substr(0, std::min(rest.find('/'), rest.size()));
  const std::optional<HostPort> parts = SplitHostPort(authority);
  if (!parts || (parts->port && !ParsePort(*parts->port, 1)))
    return Wrong("has no valid host and port");
  const std::optional<Ip> ip = ParseIp(parts->host);
  if (parts->bracketed ? !ip || !ip->v6 : !IsHostName(parts->host))
    return Wrong("has no valid host");
  const bool loopback = ip ? ip->loopback : parts->host == "localhost";
  if (!https && !loopback) {
    return Wrong("uses http, which is for loopback addresses only; use https");
  }
  while (absl::ConsumeSuffix(&text, "/")) {
  }
  return std::string(text);
}

bool IsTarget(absl::string_view text) {
  if (text.size() > kMaxTarget || !base::IsVisibleAscii(text)) return false;
  if (absl::ConsumePrefix(&text, "unix:")) return !text.empty();
  absl::ConsumePrefix(&text, "dns:///");
  const std::optional<HostPort> parts = SplitHostPort(text);
  if (!parts || !parts->port || !IsPortOfTarget(*parts->port) || parts->host.empty()) return false;
  // In brackets there may be a zone: [fe80::1%eth0].
  return parts->bracketed || parts->host.find_first_of("/[]@?#%") == std::string::npos;
}

}  // namespace hongyan::config
