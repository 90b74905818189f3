#include "server/api/page_token.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/error_details.h"
#include "tests/support/status_matchers.h"

namespace hongyan::api {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

TEST(PageTokenTest, GivesBackWhereToGoOn) {
  EXPECT_THAT(ReadPageToken("main", ""), IsOkAndHolds(std::string()));
  for (const std::string& after :
       {std::string("o"), std::string("oABC_-1"), std::string(128, 'z')}) {
    EXPECT_THAT(ReadPageToken("main", PageToken("main", after)), IsOkAndHolds(after));
  }
}

TEST(PageTokenTest, FormatStaysAsItIs) {
  // Tokens outlive the process that gave them.
  EXPECT_EQ(PageToken("main", "oA"), "AYlBv5uo-VzKb0E");
}

TEST(PageTokenTest, AnythingElseIsRefused) {
  const std::string good = PageToken("main", "oABC");
  for (const std::string token : {"abcd", "AAAA", "????", "AQ", "AQAAAAAAAAAA", " "}) {
    EXPECT_THAT(ReadPageToken("main", token), StatusIs(absl::StatusCode::kInvalidArgument))
        << token;
  }
  EXPECT_EQ(support::FieldsOf(ReadPageToken("main", "abcd").status()),
            std::vector<std::string>{"page_token"});
  EXPECT_FALSE(ReadPageToken("other", good).ok());
  EXPECT_FALSE(ReadPageToken("main", good + "=").ok());
  EXPECT_FALSE(ReadPageToken("main", good + good).ok());
  EXPECT_FALSE(ReadPageToken("main", std::string(100000, 'A')).ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ReadPageToken("main", changed).ok()) << i;
  }
}

}  // namespace
}  // namespace hongyan::api
