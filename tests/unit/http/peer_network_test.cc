#include "server/http/peer_network.h"

#include <gtest/gtest.h>

#include <string>

namespace hongyan::http {
namespace {

std::string Network(const char* address) {
  return MaskToNetwork(boost::asio::ip::make_address(address)).to_string();
}

TEST(PeerNetworkTest, A03_A18_H08_AnIpv6PeerIsItsNetworkOf64Bits) {
  EXPECT_EQ(Network("2001:db8:1:2::1"), "2001:db8:1:2::");
  EXPECT_EQ(Network("2001:db8:1:2:ffff:ffff:ffff:ffff"), "2001:db8:1:2::");
  EXPECT_EQ(Network("2001:db8:1:3::1"), "2001:db8:1:3::");
  EXPECT_EQ(Network("fe80::1%1"), "fe80::");
}

TEST(PeerNetworkTest, A03_A18_H08_AnIpv4PeerIsItsAddress) {
  EXPECT_EQ(Network("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(Network("::ffff:192.0.2.7"), "192.0.2.7");
}

}  // namespace
}  // namespace hongyan::http
