#include "server/http/request_head.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/string_view.h"
#include "server/base/text.h"

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

TEST(QueryTest, H17_WhatIsEscapedIsReadBack) {
  Pairs pairs;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("a") + static_cast<char>(byte) + "%2B+&=";
    pairs.emplace_back(text, text);
  }
  std::string query;
  for (const auto& [name, value] : pairs) {
    query += base::UrlEscape(name) + "=" + base::UrlEscape(value) + "&";
  }
  EXPECT_EQ(*ParseQuery(query), pairs);
}

// Scans `bytes` in pieces of every size up to 9 and at once; all must come to the same.
HeadScanner::State ScanInPieces(const std::string& bytes, int* status = nullptr) {
  const HeadLimits limits;
  HeadScanner whole(limits);
  const HeadScanner::State state = whole.Scan(bytes);
  for (std::size_t step = 1; step < 10; ++step) {
    HeadScanner scanner(limits);
    auto now = HeadScanner::State::kMore;
    for (std::size_t end = step; now == HeadScanner::State::kMore; end += step) {
      now = scanner.Scan(absl::string_view(bytes).substr(0, end));
      if (end >= bytes.size()) break;
    }
    EXPECT_EQ(now, state) << step;
    EXPECT_EQ(scanner.status(), whole.status()) << step;
    EXPECT_EQ(scanner.head_size(), whole.head_size()) << step;
  }
  if (status != nullptr) *status = whole.status();
  return state;
}

TEST(HeadScannerTest, H17_TenThousandParametersAreTooLong) {
  std::string line = "GET /a?";
  for (int i = 0; i < 10000; ++i) line += "a=1&";
  int status = 0;
  EXPECT_EQ(ScanInPieces(line + " HTTP/1.1\r\nHost: h\r\n\r\n", &status),
            HeadScanner::State::kRefused);
  EXPECT_EQ(status, 414);
  // As many as the longest line holds are read.
  const HeadLimits limits;
  line.resize(limits.line_bytes - std::string(" HTTP/1.1").size());
  EXPECT_EQ(ScanInPieces(line + " HTTP/1.1\r\nHost: h\r\n\r\n"), HeadScanner::State::kComplete);
  EXPECT_EQ(ScanInPieces(line + "& HTTP/1.1\r\nHost: h\r\n\r\n", &status),
            HeadScanner::State::kRefused);
  EXPECT_EQ(status, 414);
}

TEST(HeadScannerTest, H15_LineEndsAreRefusedInWhateverPiecesTheyCome) {
  for (const char* bytes : {"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n",
                            "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "\nGET / HTTP/1.1\r\n\r\n",
                            "GET / HTTP/1.1\r\n\tA: b\r\n\r\n"}) {
    int status = 0;
    EXPECT_EQ(ScanInPieces(bytes, &status), HeadScanner::State::kRefused) << bytes;
    EXPECT_EQ(status, 400) << bytes;
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
