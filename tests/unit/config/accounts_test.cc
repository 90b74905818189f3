#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AccountsTest : public ConfigTest {
 protected:
  // One account, in one line, with the parts that are given.
  LoadResult LoadAccount(const std::string& parts) {
    return Load(absl::StrCat(
        "accounts:\n  - {name: main, app_id: wx1, app_secret: '${WX_APP_SECRET}', ", parts, "}\n"));
  }
  LoadResult LoadCallback(const std::string& parts) {
    return LoadAccount(absl::StrCat("callback: {token: '${WX_CALLBACK_TOKEN}', ", parts, "}"));
  }
};

TEST_F(AccountsTest, RequiredKeysNameThemselves) {
  EXPECT_THAT(Load("accounts: []\n").problems,
              ElementsAre(IsProblem("accounts", 1, "has 0 items; must be from 1 to 100")));
  EXPECT_THAT(Load("accounts:\n  - {}\n").problems,
              ElementsAre(IsProblem("accounts[0].name", 2, "is required"),
                          IsProblem("accounts[0].app_id", 2, "is required"),
                          IsProblem("accounts[0].app_secret", 2, "is required")));
  EXPECT_THAT(Load("accounts:\n  - {name: '', app_id: '', app_secret: ''}\n").problems,
              ElementsAre(IsProblem("accounts[0].name", 2, "is empty"),
                          IsProblem("accounts[0].app_id", 2, "is empty"),
                          IsProblem("accounts[0].app_secret", 2, "is empty")));
  EXPECT_THAT(LoadAccount("callback: {}").problems,
              ElementsAre(IsProblem("accounts[0].callback.token", 2, "is required")));
}

TEST_F(AccountsTest, NamesAndAppIds) {
  const auto load = [this](const std::string& name, const std::string& app_id) {
    return Load(absl::StrCat("accounts: [{name: '", name, "', app_id: '", app_id,
                             "', app_secret: '${WX_APP_SECRET}'}]"))
        .problems;
  };
  for (const std::string& name :
       {std::string("a"), std::string("shop-2_x"), std::string(64, 'z')}) {
    EXPECT_THAT(load(name, "wx1"), IsEmpty()) << name;
  }
  for (const std::string& name : {std::string("A"), std::string("a b"), std::string("主号"),
                                  std::string("a/b"), std::string(65, 'z')}) {
    EXPECT_THAT(load(name, "wx1"), ElementsAre(IsProblem("accounts[0].name", 1, "a-z 0-9")))
        << name;
  }
  for (const char* app_id : {"wx0123456789abcdef", "wxABC"})
    EXPECT_THAT(load("a", app_id), IsEmpty());
  for (const std::string& app_id :
       {std::string("wx"), std::string("ww1"), std::string("gh_1"), std::string("WX1"),
        std::string("wx 1"), std::string("wx1&a=b"), "wx" + std::string(63, '1')}) {
    EXPECT_THAT(load("a", app_id), ElementsAre(IsProblem("accounts[0].app_id", 1, "no appid")))
        << app_id;
  }
}

TEST_F(AccountsTest, NumberOfAccountsHasALimit) {
  const auto many = [](int count) {
    std::string text = "accounts:\n";
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, "  - {name: a", i, ", app_id: wx", i,
                      ", app_secret: '${WX_APP_SECRET}'}\n");
    }
    return text;
  };
  EXPECT_THAT(Load(many(100)).problems, IsEmpty());
  EXPECT_THAT(Load(many(101)).problems, ElementsAre(IsProblem("accounts", 1, "has 101 items")));
}

TEST_F(AccountsTest, K06_TwoAccountsMustNotShareAnything) {
  const std::string first =
      "accounts:\n  - {name: main, app_id: wx1, app_secret: '${WX_APP_SECRET}', callback: {token: "
      "abc}}\n";
  const struct {
    const char* second;
    const char* path;
    const char* part;
  } kRows[] = {
      {"name: main, app_id: wx2", "accounts[1].name", "same as accounts[0].name"},
      {"name: other, app_id: wx1", "accounts[1].app_id", "same as accounts[0].app_id"},
      {"name: other, app_id: wx2, callback: {token: abc, path: /wechat/callback/main}",
       "accounts[1].callback.path", "same as accounts[0].callback.path"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.second);
    EXPECT_THAT(
        Load(absl::StrCat(first, "  - {app_secret: '${WX_APP_SECRET}', ", row.second, "}\n"))
            .problems,
        ElementsAre(IsProblem(row.path, 3, row.part)));
  }
  // Tokens and secrets may be equal.
  EXPECT_THAT(Load(absl::StrCat(first,
                                "  - {name: b, app_id: wx2, app_secret: '${WX_APP_SECRET}', "
                                "callback: {token: abc}}\n"))
                  .problems,
              IsEmpty());
}

TEST_F(AccountsTest, CallbackPathAndToken) {
  const LoadResult defaults = LoadCallback("");
  ASSERT_THAT(defaults.problems, IsEmpty());
  EXPECT_TRUE(defaults.settings.accounts(0).has_callback());
  EXPECT_EQ(defaults.settings.accounts(0).callback().path(), "/wechat/callback/main");
  EXPECT_FALSE(LoadAccount("").settings.accounts(0).has_callback());

  for (const char* path : {"/", "/mp/serverCheck", "/a-b/c.d_e~f"}) {
    EXPECT_EQ(
        LoadCallback(absl::StrCat("path: '", path, "'")).settings.accounts(0).callback().path(),
        path);
  }
  for (const std::string& path : {std::string(""), std::string("mp"), std::string("/a?b"),
                                  std::string("/a#b"), std::string("/a b"), std::string("/%2e"),
                                  std::string("/微信"), "/" + std::string(256, 'a')}) {
    EXPECT_THAT(LoadCallback(absl::StrCat("path: '", path, "'")).problems,
                ElementsAre(IsProblem("accounts[0].callback.path", 2, "is no path")))
        << path;
  }
  for (const std::string& token : {std::string("abc"), std::string(32, 'T')}) {
    variables_["WX_CALLBACK_TOKEN"] = token;
    EXPECT_THAT(LoadCallback("").problems, IsEmpty());
  }
  for (const std::string& token :
       {std::string("ab"), std::string(33, 'T'), std::string("a_b-c"), std::string("令牌令牌")}) {
    variables_["WX_CALLBACK_TOKEN"] = token;
    const LoadResult result = LoadCallback("");
    EXPECT_THAT(result.problems, ElementsAre(IsProblem("accounts[0].callback.token", 2,
                                                       "3 to 32 letters and digits")));
    EXPECT_THAT(AllText(result), Not(HasSubstr(token)));
  }
}

TEST_F(AccountsTest, ModeIsThatOfTheConsole) {
  const std::string path = "accounts[0].callback.mode";
  const std::string key(43, 'a');
  const LoadResult plain = LoadCallback("mode: plain");
  EXPECT_THAT(plain.problems, IsEmpty());
  EXPECT_EQ(plain.settings.accounts(0).callback().mode(), "plain");
  const LoadResult safe = LoadCallback("mode: safe, encoding_aes_key: " + key);
  EXPECT_THAT(safe.problems, IsEmpty());
  EXPECT_EQ(safe.settings.accounts(0).callback().mode(), "safe");
  EXPECT_EQ(safe.settings.accounts(0).callback().encoding_aes_key(), key);
  const LoadResult compatible =
      LoadCallback(absl::StrCat("mode: compatible, encoding_aes_key: ", key,
                                ", previous_encoding_aes_key: ", std::string(43, 'b')));
  EXPECT_THAT(compatible.problems, IsEmpty());
  EXPECT_EQ(compatible.settings.accounts(0).callback().mode(), "compatible");
  EXPECT_EQ(compatible.settings.accounts(0).callback().previous_encoding_aes_key(),
            std::string(43, 'b'));
  EXPECT_THAT(LoadCallback("mode: secure").problems,
              ElementsAre(IsProblem(path, 2, "plain, compatible, safe")));
  EXPECT_THAT(LoadCallback("mode: ''").problems, ElementsAre(IsProblem(path, 2, "must be one of")));
  EXPECT_THAT(LoadCallback("encoding_aes_key: " + key).problems,
              ElementsAre(IsProblem(path, 2, "is missing")));
}

TEST_F(AccountsTest, EncryptedModesNeedTheKey) {
  for (const std::string mode : {"safe", "compatible"}) {
    EXPECT_THAT(LoadCallback("mode: " + mode).problems,
                ElementsAre(IsProblem("accounts[0].callback.encoding_aes_key", 2,
                                      "is required in mode: " + mode)));
  }
}

TEST_F(AccountsTest, K07_AesKeysHave43LettersAndDigits) {
  for (const char* name : {"encoding_aes_key", "previous_encoding_aes_key"}) {
    const auto load = [&](const std::string& key) {
      return LoadCallback(absl::StrCat("mode: plain, ", name, ": '", key, "'")).problems;
    };
    const std::string path = absl::StrCat("accounts[0].callback.", name);
    // A canonical last character of 43 leaves two bits zero: A, E, I …; WeChat's console gives
    // others too.
    for (const char last : {'A', 'B', 'z', '9'})
      EXPECT_THAT(load(std::string(42, 'a') + last), IsEmpty()) << last;
    for (const std::string& key : {std::string(42, 'a'), std::string(44, 'a'), std::string(43, '+'),
                                   std::string(), std::string(42, 'a') + "="}) {
      EXPECT_THAT(load(key), ElementsAre(IsProblem(path, 2, "43 letters and digits"))) << key;
    }
  }
}

TEST_F(AccountsTest, K08_SecretsInTheFileWorkAndWarnAndAreNotShown) {
  const LoadResult result = Load(
      "accounts:\n"
      "  - name: main\n"
      "    app_id: wx1\n"
      "    app_secret: PlantedSecret\n"
      "    callback:\n"
      "      token: PlantedToken\n"
      "      mode: plain\n"
      "      encoding_aes_key: PlantedKeyaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(
      result.warnings,
      ElementsAre(IsProblem("accounts[0].app_secret", 4, "a secret stands in the file"),
                  IsProblem("accounts[0].callback.token", 6, "a secret stands in the file"),
                  IsProblem("accounts[0].callback.encoding_aes_key", 8, "a secret stands")));
  EXPECT_EQ(result.settings.accounts(0).app_secret(), "PlantedSecret");
  EXPECT_THAT(AllText(result), Not(HasSubstr("Planted")));
  files_["/run/secrets/wx"].content = "fromfile\n";
  const LoadResult from_file = Load(
      "accounts: [{name: a, app_id: wx1, app_secret: '${file:/run/secrets/wx}', callback: {token: "
      "'${WX_CALLBACK_TOKEN}'}}]\n");
  EXPECT_THAT(from_file.warnings, IsEmpty());
  EXPECT_EQ(from_file.settings.accounts(0).app_secret(), "fromfile");
}

TEST_F(AccountsTest, WrongSecretsAreNotShownEither) {
  const LoadResult result = Load(
      "accounts:\n  - {name: main, app_id: wx1, app_secret: 'Planted Secret', callback: {token: "
      "Planted_Token,\n"
      "     encoding_aes_key: PlantedKey}, app_secre: PlantedTypo}\n");
  EXPECT_EQ(result.problems.size(), 5u);
  EXPECT_THAT(AllText(result), Not(HasSubstr("Planted")));
}

}  // namespace
}  // namespace hongyan::config
