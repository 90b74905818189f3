// Where a listener listens, as it is written: IP:PORT, [IPV6]:PORT.
//
// Errors:  kInvalidArgument. Threads: any.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hongyan::http {

// The host localhost means 127.0.0.1; other names are refused.
absl::StatusOr<boost::asio::ip::tcp::endpoint> ParseEndpoint(absl::string_view address);

std::string ToText(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace hongyan::http
