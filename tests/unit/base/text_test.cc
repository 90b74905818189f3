#include "server/base/text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "server/base/id.h"
#include "server/base/secret.h"

namespace hongyan::base {
namespace {

TEST(Utf8Test, KnowsWellFormedFromIllFormed) {
  for (const char* good : {"", "abc", "中文", "🚚", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  // Overlong, surrogate, beyond U+10FFFF, truncated, lone continuation: Markus Kuhn's classes.
  for (const char* bad : {"\xC0\xAF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xE4\xB8", "\x80", "\xFF", "a\xC3"}) {
    EXPECT_FALSE(IsUtf8(bad));
    EXPECT_TRUE(IsUtf8(ToUtf8(bad)));
  }
  EXPECT_EQ(ToUtf8("a\xFF"
                   "b"),
            "a\uFFFD"
            "b");
}

TEST(JsonEscapesTest, HalvesOfCharactersAreReplaced) {
  const auto mended = [](std::string json) {
    MendJsonEscapes(json);
    return json;
  };
  for (const char* good : {R"("")", R"("\ud83d\ude9a")", R"("\uD83D\uDE9A\n")", R"("\\ud83d")",
                           R"("\u00e9")", R"("\u12")", R"("\)", R"(\u)", R"("\uzzzz")"}) {
    EXPECT_EQ(mended(good), good);
  }
  EXPECT_EQ(mended(R"("\ud83d")"), R"("\ufffd")");
  EXPECT_EQ(mended(R"("\ude9a")"), R"("\ufffd")");
  EXPECT_EQ(mended(R"("\ud83dx\ude9a")"), R"("\ufffdx\ufffd")");
  EXPECT_EQ(mended(R"("\ud83d\ud83d\ude9a")"), R"("\ufffd\ud83d\ude9a")");
  EXPECT_EQ(mended(R"("\\\ud83d\n")"), R"("\\\ufffd\n")");
  EXPECT_EQ(mended(R"("\ud83d\)"), R"("\ufffd\)");
}

TEST(Utf8Test, TruncatesBetweenCodePoints) {
  EXPECT_EQ(Truncate("中文", 6), "中文");
  EXPECT_EQ(Truncate("中文", 5), "中…");
  EXPECT_EQ(Truncate("🚚🚚", 7), "🚚…");
}

TEST(Utf8Test, CountsUtf16Units) { EXPECT_EQ(Utf16Length("a中🚚"), 4u); }

TEST(PrintableTest, S18_EscapesWhatCouldForgeALine) {
  EXPECT_EQ(Printable("\x1b]0;x\x07\n"), "\\u001b]0;x\\u0007\\u000a");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "\\u009b31m");
  EXPECT_LE(Printable(std::string(10000, '\x01')).size(), 256u * 6 + 3);
}

TEST(PrintableTest, WhatCannotBeSeenOrTurnsTextIsEscaped) {
  EXPECT_EQ(Printable("a\u202Eb\u2028c\u2029d"), "a\\u202eb\\u2028c\\u2029d");
  EXPECT_EQ(Printable("\u200B\u200F\u061C\u2066\u2069\uFEFF\u00AD\u3164"),
            "\\u200b\\u200f\\u061c\\u2066\\u2069\\ufeff\\u00ad\\u3164");
  EXPECT_EQ(Printable("x\U000E0041y"), "x\\U000e0041y");
  EXPECT_EQ(Printable("é中文，。🚚\uFE0F ❤️ ~"), "é中文，。🚚\uFE0F ❤️ ~");
}

TEST(UrlEscapeTest, EscapesAllButUnreserved) {
  EXPECT_EQ(UrlEscape("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(UrlEscape("a b&=+/中"), "a%20b%26%3D%2B%2F%E4%B8%AD");
}

TEST(SecretTest, ComparesWholeAndEmptiesWhatWasMoved) {
  Secret secret("s3cret");
  EXPECT_TRUE(secret.Equals("s3cret"));
  EXPECT_FALSE(secret.Equals("s3cre"));
  EXPECT_FALSE(secret.Equals("s3crer"));
  const Secret moved = std::move(secret);
  EXPECT_TRUE(moved.Equals("s3cret"));
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that is the promise
}

TEST(SecretTest, FingerprintIsTheHeadOfSha256) {
  EXPECT_EQ(Secret("abc").Fingerprint(), "ba7816bf");  // FIPS 180-2, appendix B.1
}

TEST(IdTest, C04_IdsGrowEvenWhenTheClockStepsBack) {
  IdGenerator ids;
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  std::string last;
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = ids.Next(now - absl::Seconds(i % 7));
    EXPECT_EQ(id.size(), 26u);
    EXPECT_GT(id, last);
    last = id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(IdTest, TimeStandsInTheFirstTenCharacters) {
  // 2023-11-14T22:13:20Z = 1700000000000 ms = 01HF7YAT00 in Crockford's base 32.
  EXPECT_EQ(IdGenerator().Next(absl::FromUnixSeconds(1700000000)).substr(0, 10), "01HF7YAT00");
}

}  // namespace
}  // namespace hongyan::base
