#include "server/http/peer_network.h"

#include <algorithm>

namespace hongyan::http {

namespace ip = boost::asio::ip;

ip::address MaskToNetwork(const ip::address& address) {
  if (address.is_v4()) return address;
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return ip::address_v6(bytes);
}

}  // namespace hongyan::http
