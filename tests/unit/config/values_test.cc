#include "server/config/values.h"

#include <gtest/gtest.h>

#include <limits>

#include "server/config/address.h"

namespace hongyan::config {
namespace {

TEST(ValuesTest, Integers) {
  EXPECT_EQ(ParseInteger("0"), 0);
  EXPECT_EQ(ParseInteger("-12"), -12);
  EXPECT_EQ(ParseInteger("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text :
       {"", "-", "+1", "01", "-01", "1 ", " 1", "1_000", "1e3", "0x1", "9223372036854775808"}) {
    EXPECT_FALSE(ParseInteger(text)) << text;
  }
}

TEST(ValuesTest, Durations) {
  const struct {
    const char* text;
    absl::Duration span;
  } kRows[] = {{"250ms", absl::Milliseconds(250)}, {"5s", absl::Seconds(5)},
               {"10m", absl::Minutes(10)},         {"1h", absl::Hours(1)},
               {"30d", absl::Hours(720)},          {"0s", absl::ZeroDuration()},
               {"36500d", absl::Hours(24 * 36500)}};
  for (const auto& row : kRows) EXPECT_EQ(ParseDuration(row.text), row.span) << row.text;
  for (const char* text :
       {"", "0", "5", "s", "-5s", "5 s", " 5s", "5S", "5sec", "1.5s", "1h30m", "05s", "5us", "1w",
        "36501d", "9223372036854775807d", "9223372036854775807ms", "99999999999999999999s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(ValuesTest, Sizes) {
  EXPECT_EQ(ParseSize("0"), 0);
  EXPECT_EQ(ParseSize("65536"), 65536);
  EXPECT_EQ(ParseSize("64KiB"), 65536);
  EXPECT_EQ(ParseSize("4MiB"), 4194304);
  EXPECT_EQ(ParseSize("2GiB"), 2147483648);
  for (const char* text :
       {"", "KiB", "-1", "1KB", "1kib", "1 KiB", "1K", "1.5KiB", "1B", "9223372036854775807GiB"}) {
    EXPECT_FALSE(ParseSize(text)) << text;
  }
}

TEST(AddressTest, K03_ListenAddresses) {
  const struct {
    const char* text;
    const char* result;
    bool loopback;
  } kRows[] = {
      {"127.0.0.1:9090", "127.0.0.1:9090", true},
      {"127.9.9.9:1", "127.9.9.9:1", true},
      {"localhost:0", "127.0.0.1:0", true},
      {"[::1]:65535", "[::1]:65535", true},
      {"0.0.0.0:80", "0.0.0.0:80", false},
      {"[::]:80", "[::]:80", false},
      {"10.0.0.1:80", "10.0.0.1:80", false},
      {"[2001:db8::1]:80", "[2001:db8::1]:80", false},
      {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", false},
  };
  for (const auto& row : kRows) {
    const auto address = ParseListenAddress(row.text);
    ASSERT_TRUE(address.ok()) << row.text;
    EXPECT_EQ(address->ToString(), row.result);
    EXPECT_EQ(address->loopback, row.loopback) << row.text;
  }
  for (const char* text : {"",
                           ":",
                           ":9090",
                           "9090",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:x",
                           "127.0.0.1:70000",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:080",
                           "127.0.0.1:+80",
                           "127.1:80",
                           "0x7f.0.0.1:80",
                           "256.0.0.1:80",
                           "example.com:80",
                           "*:80",
                           "::1:80",
                           "[::1]",
                           "[::1:80",
                           "[::1]80",
                           "[127.0.0.1]:80",
                           "[localhost]:80",
                           "[fe80::1%lo]:80",
                           " 127.0.0.1:80",
                           "127.0.0.1:80 ",
                           "unix:/run/x",
                           "127.0.0.1:80:90"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
}

TEST(AddressTest, ApiUrls) {
  const struct {
    const char* text;
    const char* result;
  } kRows[] = {
      {"https://api.weixin.qq.com", "https://api.weixin.qq.com"},
      {"https://api.weixin.qq.com/", "https://api.weixin.qq.com"},
      {"https://proxy.corp:8443/wx//", "https://proxy.corp:8443/wx"},
      {"https://10.0.0.1:1", "https://10.0.0.1:1"},
      {"https://[2001:db8::1]:443", "https://[2001:db8::1]:443"},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
      {"http://localhost:8080/", "http://localhost:8080"},
      {"http://[::1]:8080", "http://[::1]:8080"},
  };
  for (const auto& row : kRows) {
    const auto url = ParseApiUrl(row.text);
    ASSERT_TRUE(url.ok()) << row.text << " " << url.status();
    EXPECT_EQ(*url, row.result);
  }
  for (const char* text : {"",
                           "api.weixin.qq.com",
                           "ftp://127.0.0.1",
                           "HTTPS://a.cn",
                           "https://",
                           "https:///x",
                           "https://a.cn:0",
                           "https://a.cn:",
                           "https://a.cn:70000",
                           "https://u:p@a.cn",
                           "https://a.cn?x=1",
                           "https://a.cn/?x",
                           "https://a.cn#f",
                           "https://a b",
                           "https://a.cn/\\",
                           "https://鸿雁.cn",
                           "https://a.cn\r\nx",
                           "http://api.weixin.qq.com",
                           "http://127.0.0.1.evil.cn",
                           "http://127.1",
                           "http://0x7f000001",
                           "http://2130706433",
                           "http://localhost.evil.cn",
                           "http://127.0.0.1@evil.cn",
                           "http://10.0.0.1",
                           "http://[::ffff:127.0.0.1]",
                           "http://[::1",
                           "http://::1"}) {
    EXPECT_FALSE(ParseApiUrl(text).ok()) << text;
  }
}

}  // namespace
}  // namespace hongyan::config
