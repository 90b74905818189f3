#include "server/base/digest.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace hongyan::base {
namespace {

// By `printf '2:ab0:' | sha256sum`.
TEST(DigestTest, PartsAreSha256OverLengthsAndBytes) {
  PartsDigest digest;
  digest.Add("ab");
  digest.Add("");
  EXPECT_EQ(absl::BytesToHexString(digest.Bytes()),
            "bd9027e9dbf27167f8c3e2fbc1e42491e1cf15a54dd6fa6caa99f5e12b4c0750");
  PartsDigest other;
  other.Add("a");
  other.Add("b");
  EXPECT_NE(other.Bytes(), digest.Bytes());
}

// Published with the algorithm (draft-eastlake-fnv).
TEST(DigestTest, Fnv1aIsThePublishedOne) {
  EXPECT_EQ(Fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(Fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(Fnv1a("foobar"), 0x85944171f73967e8ULL);
  EXPECT_EQ(Fnv1a("bar", Fnv1a("foo")), Fnv1a("foobar"));
}

}  // namespace
}  // namespace hongyan::base
