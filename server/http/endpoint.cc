#include "server/http/endpoint.h"

#include <boost/asio/ip/address.hpp>
#include <boost/url/authority_view.hpp>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace hongyan::http {

using boost::asio::ip::tcp;

absl::StatusOr<tcp::endpoint> ParseEndpoint(absl::string_view address) {
  const auto parts = boost::urls::parse_authority({address.data(), address.size()});
  std::uint32_t port = 0;
  if (parts.has_value() && !parts->has_userinfo() &&
      absl::SimpleAtoi(std::string(parts->port()), &port) && port <= 65535) {
    boost::system::error_code error;
    const std::string host = parts->host_address();
    const auto ip = boost::asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    if (!error) return tcp::endpoint(ip, static_cast<std::uint16_t>(port));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("listen address \"", address, "\" is not IP:PORT or [IPV6]:PORT"));
}

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

}  // namespace hongyan::http
