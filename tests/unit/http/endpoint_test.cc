#include "server/http/endpoint.h"

#include <gtest/gtest.h>

namespace hongyan::http {
namespace {

TEST(EndpointTest, IsReadAndWrittenBack) {
  for (const char* address : {"127.0.0.1:9090", "0.0.0.0:0", "[::1]:65535", "[::]:80"}) {
    const auto endpoint = ParseEndpoint(address);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(ToText(*endpoint), address);
  }
  EXPECT_EQ(ToText(*ParseEndpoint("localhost:1")), "127.0.0.1:1");
}

TEST(EndpointTest, AllElseIsRefused) {
  for (const char* address : {"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                              "127.0.0.1:65536", "127.0.0.1:-1", "a:1", "::1:80", "[::1]",
                              "[127.0.0.1]:80", "[v1.a]:80", "u@127.0.0.1:80", "127.0.0.1:80/"}) {
    EXPECT_FALSE(ParseEndpoint(address).ok()) << address;
  }
}

}  // namespace
}  // namespace hongyan::http
