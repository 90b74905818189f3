// Where a listener listens, where WeChat is, and where a handler is.
//
// Errors:  kInvalidArgument says what is wrong, as the end of a sentence about the value.
// Threads: any.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hongyan::config {

struct ListenAddress {
  std::string host;  // an IP address, without brackets
  int port = 0;      // 0: a free one
  bool loopback = false;

  // HOST:PORT as the listeners take it.
  std::string ToString() const;
};

// "127.0.0.1:9090", "[::1]:9090"; localhost means 127.0.0.1. Other names are refused: they may mean
// several addresses.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// A base URL, without its trailing slashes. https, or http to a loopback address; a path is
// allowed, credentials, query and fragment are not.
absl::StatusOr<std::string> ParseApiUrl(absl::string_view text);

// HOST:PORT, dns:///HOST:PORT or unix:PATH. gRPC would take a host without a port too, and try its
// https port.
bool IsTarget(absl::string_view text);

}  // namespace hongyan::config
