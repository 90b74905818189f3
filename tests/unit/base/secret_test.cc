#include "server/base/secret.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/cpu_time.h"

namespace hongyan::base {
namespace {

TEST(SecretTest, EqualsWholeValuesOnly) {
  const Secret secret("abc");
  EXPECT_TRUE(secret.Equals("abc"));
  for (const char* other : {"", "ab", "abcd", "abC", "xbc"})
    EXPECT_FALSE(secret.Equals(other)) << other;
}

// With so much to compare that stopping early would show.
TEST(SecretTest, S09_ComparingTakesTheSameTimeWhereverTheDifferenceIs) {
  const std::string value(64 * 1024, 'a');
  std::vector<std::string> others(3, value);
  others[0].front() = 'b';
  others[1][value.size() / 2] = 'b';
  others[2].back() = 'b';
  std::vector<std::function<void()>> ways;
  for (const std::string& other : others) {
    ways.push_back([&] { EXPECT_FALSE(ConstantTimeEquals(value, other)); });
  }
  EXPECT_TRUE(support::TakeTheSame(ways, 1.2, 50, 2));
}

}  // namespace
}  // namespace hongyan::base
