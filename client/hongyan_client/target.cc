#include "hongyan_client/target.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "hongyan_client/error.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::client {
namespace {

constexpr char kExample[] = "127.0.0.1:9090";

absl::Status Refused(absl::string_view target, absl::string_view english,
                     absl::string_view chinese) {
  return InChinese(
      absl::InvalidArgumentError(absl::StrCat("the service's address '", target, "' ", english)),
      absl::StrCat("服务地址“", target, "”", chinese));
}

absl::Status CheckPort(absl::string_view target, absl::string_view port) {
  int number = 0;
  const bool digits =
      std::all_of(port.begin(), port.end(), [](unsigned char c) { return absl::ascii_isdigit(c); });
  if (digits && absl::SimpleAtoi(port, &number) && number >= 1 && number <= 65535) {
    return absl::OkStatus();
  }
  return Refused(target, "has no port from 1 to 65535 behind its colon",
                 "的冒号之后不是 1 到 65535 的端口");
}

// `address`: HOST:PORT, [IPV6]:PORT.
absl::Status CheckAddress(absl::string_view target, absl::string_view address) {
  if (absl::StartsWith(address, "[")) {
    const std::size_t end = address.find("]:");
    if (end == absl::string_view::npos) {
      return Refused(target, "is no address such as [::1]:9090", "不是 [::1]:9090 这样的地址");
    }
    return CheckPort(target, address.substr(end + 2));
  }
  const std::size_t colon = address.find(':');
  if (colon == absl::string_view::npos) {
    return Refused(target, absl::StrCat("has no port: HOST:PORT, such as ", address, ":9090"),
                   absl::StrCat("没有端口：应为 HOST:PORT，例如 ", address, ":9090"));
  }
  if (address.find(':', colon + 1) != absl::string_view::npos) {
    return Refused(target, "must have an IPv6 address in brackets, such as [::1]:9090",
                   "中的 IPv6 地址须加方括号，例如 [::1]:9090");
  }
  if (colon == 0) {
    return Refused(target, absl::StrCat("has no host: HOST:PORT, such as ", kExample),
                   absl::StrCat("没有主机名：应为 HOST:PORT，例如 ", kExample));
  }
  const absl::string_view port = address.substr(colon + 1);
  if (const std::size_t slash = port.find('/'); slash != absl::string_view::npos) {
    return Refused(target, "has a path; HOST:PORT is all that it takes",
                   "含有路径；只需给出 HOST:PORT");
  }
  return CheckPort(target, port);
}

// What to write instead of a URL whose scheme is taken off.
std::string ReadAddress(absl::string_view url) {
  const absl::string_view host = url.substr(0, url.find_first_of("/?#"));
  for (const std::string& address :
       {std::string(host), absl::StrCat(host, ":9090"), absl::StrCat(host, "9090")}) {
    if (CheckAddress(address, address).ok()) return address;
  }
  return kExample;
}

}  // namespace

absl::Status CheckTarget(const std::string& target) {
  if (target.empty()) {
    return InChinese(absl::InvalidArgumentError("the service's address is empty"), "服务地址为空");
  }
  // Not quoted: it may be no UTF-8.
  if (!IsVisibleAscii(target)) {
    return InChinese(
        absl::InvalidArgumentError(absl::StrCat(
            "the service's address has blanks or other than ASCII, perhaps a full-width colon: "
            "HOST:PORT, such as ",
            kExample)),
        absl::StrCat("服务地址含有空格或非 ASCII 字符（例如全角冒号）：应为 HOST:PORT，例如 ",
                     kExample));
  }
  absl::string_view address = target;
  for (const absl::string_view scheme : {"http://", "https://", "grpc://", "grpcs://"}) {
    if (!absl::StartsWithIgnoreCase(target, scheme)) continue;
    const std::string instead = ReadAddress(absl::string_view(target).substr(scheme.size()));
    const bool tls = scheme == "https://" || scheme == "grpcs://";
    return Refused(
        target,
        absl::StrCat("is a URL; write HOST:PORT alone, such as ", instead,
                     tls ? ", with TLS on" : ""),
        absl::StrCat("是网址；只需写 HOST:PORT，例如 ", instead, tls ? "，并启用 TLS" : ""));
  }
  if (absl::ConsumePrefix(&address, "dns://")) {
    // An authority, mostly empty, comes first.
    const std::size_t slash = address.find('/');
    if (slash == absl::string_view::npos) {
      return Refused(target, "is no dns:///HOST:PORT", "不是 dns:///HOST:PORT 的形式");
    }
    return CheckAddress(target, address.substr(slash + 1));
  }
  if (absl::ConsumePrefix(&address, "dns:")) return CheckAddress(target, address);
  // gRPC knows these, and the rest of them is its own.
  for (const absl::string_view scheme :
       {"unix:", "unix-abstract:", "ipv4:", "ipv6:", "vsock:", "xds:", "passthrough:"}) {
    if (absl::StartsWith(target, scheme)) return absl::OkStatus();
  }
  return CheckAddress(target, address);
}

bool IsLoopback(const std::string& target) {
  if (absl::StartsWith(target, "unix:") || absl::StartsWith(target, "unix-abstract:")) return true;
  absl::string_view host = target;
  absl::ConsumePrefix(&host, "dns:///") || absl::ConsumePrefix(&host, "dns:") ||
      absl::ConsumePrefix(&host, "ipv4:") || absl::ConsumePrefix(&host, "ipv6:");
  if (absl::StartsWith(host, "[::1]")) return true;
  host = host.substr(0, host.find(':'));
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  // A name such as 127.example.org is no address.
  return absl::StartsWith(host, "127.") &&
         host.find_first_not_of("0123456789.") == absl::string_view::npos;
}

}  // namespace hongyan::client
