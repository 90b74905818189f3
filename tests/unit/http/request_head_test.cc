#include "server/http/request_head.h"

#include <gtest/gtest.h>

#include <string>

namespace hongyan::http {
namespace {

using Pairs = RequestHead::Pairs;

TEST(QueryTest, H17_QueryKeepsOrderAndDoubles) {
  EXPECT_EQ(*ParseQuery("a=1&b=2&a=3"), (Pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
}

TEST(QueryTest, H17_QueryDecodesBytes) {
  EXPECT_EQ(*ParseQuery("a=x+y%2Bz%00&%61=%ff"),
            (Pairs{{"a", std::string("x y+z\0", 6)}, {"a", "\xff"}}));
}

TEST(QueryTest, H17_QueryWithoutValues) {
  EXPECT_EQ(*ParseQuery("a&b=&=c&&signature[]=d"),
            (Pairs{{"a", ""}, {"b", ""}, {"", "c"}, {"signature[]", "d"}}));
  EXPECT_EQ(*ParseQuery(""), Pairs());
}

TEST(QueryTest, H17_BrokenEscapesAreRefused) {
  for (const char* query : {"a=%", "a=%4", "a=%zz", "%4g=1", "a=1&b=%x"}) {
    EXPECT_FALSE(ParseQuery(query).has_value()) << query;
  }
}

TEST(HeadScannerTest, LooksAtEachPieceOnce) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
  const HeadLimits limits;
  HeadScanner scanner(limits);
  const std::size_t end = bytes.find("rest");
  for (std::size_t n = 0; n < end; ++n) {
    ASSERT_EQ(scanner.Scan(bytes.substr(0, n)), HeadScanner::State::kMore) << n;
  }
  EXPECT_EQ(scanner.Scan(bytes), HeadScanner::State::kComplete);
  EXPECT_EQ(scanner.head_size(), end);
}

}  // namespace
}  // namespace hongyan::http
