#include "server/endpoints/grpc/acceptor.h"

#include <gtest/gtest.h>

#include <string>

namespace hongyan::endpoints {
namespace {

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113, 3.4

std::string SettingsHead(int length, int type = 4) {
  return {static_cast<char>(length >> 16),
          static_cast<char>(length >> 8),
          static_cast<char>(length),
          static_cast<char>(type),
          '\0',
          '\0',
          '\0',
          '\0',
          '\0'};
}

// The head of a TLS record, RFC 8446, 5.1.
std::string Hello(int length, int type = 0x16) {
  return std::string{static_cast<char>(type), 3, 1, static_cast<char>(length >> 8),
                     static_cast<char>(length)} +
         std::string(30, '\0');
}

TEST(OpeningBytes, A03_OfHttp2IsThePrefaceWithItsSettings) {
  EXPECT_EQ(OpeningBytes("", false), 24u);
  EXPECT_EQ(OpeningBytes(kPreface.substr(0, 23), false), 24u);
  EXPECT_EQ(OpeningBytes(kPreface, false), 33u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(0).substr(0, 8), false), 33u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(0), false), 33u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(36), false), 69u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(300), false), 333u);
}

TEST(OpeningBytes, A03_WhatIsNoHttp2OrTooLongIsLeftToGrpc) {
  EXPECT_EQ(OpeningBytes(kPreface.substr(0, 23) + "x", false), 0u);
  EXPECT_EQ(OpeningBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", false), 0u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(0, /*DATA*/ 0), false), 0u);
  EXPECT_EQ(OpeningBytes(kPreface + SettingsHead(0xFFFFFF), false), 0u);
}

TEST(OpeningBytes, A03_OfTlsIsTheRecordOfTheClientHello) {
  EXPECT_EQ(OpeningBytes(Hello(512).substr(0, 23), true), 24u);
  EXPECT_EQ(OpeningBytes(Hello(512), true), 517u);
  EXPECT_EQ(OpeningBytes(Hello(20), true), 25u);
  EXPECT_EQ(OpeningBytes(Hello(0xFFFF), true), 0u);
  EXPECT_EQ(OpeningBytes(Hello(512, /*alert*/ 0x15), true), 0u);
  EXPECT_EQ(OpeningBytes(kPreface, true), 0u);
}

}  // namespace
}  // namespace hongyan::endpoints
