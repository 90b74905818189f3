// By what the connections of one peer are counted.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace hongyan::http {

// An IPv4 address is itself, also as the peer of an IPv6 socket; an IPv6 address is its network of
// 64 bits, without a scope, since whoever has one address of it has all.
boost::asio::ip::address MaskToNetwork(const boost::asio::ip::address& address);

}  // namespace hongyan::http
