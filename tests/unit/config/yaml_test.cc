// The file as text: what YAML may say, and how wrong keys and types are told.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/config/yaml_file.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class YamlTest : public ConfigTest {};

TEST_F(YamlTest, K01_UnknownKeyNamesPathAndLineAndSuggestsTheNearest) {
  EXPECT_THAT(LoadWith("log: {levle: info}\n").problems,
              ElementsAre(IsProblem("log.levle", 5, "unknown key; did you mean \"level\"?")));
  EXPECT_THAT(LoadWith("grcp: {}\n").problems,
              ElementsAre(IsProblem("grcp", 5, "did you mean \"grpc\"?")));
  EXPECT_THAT(LoadWith("    send_rat: 3\n").problems,
              ElementsAre(IsProblem("accounts[0].send_rat", 5, "\"send_rate\"")));
  EXPECT_THAT(LoadWith("admin: {colour: red}\n").problems,
              ElementsAre(IsProblem("admin.colour", 5, "known here: listen")));
  EXPECT_THAT(LoadWith("<<: {grpc: {}}\n").problems,
              ElementsAre(IsProblem("<<", 5, "unknown key")));
}

TEST_F(YamlTest, K01_WrongTypesNamePathAndLine) {
  const struct {
    const char* text;
    const char* path;
    const char* part;
  } kRows[] = {
      {"grpc: {max_in_flight: many}", "grpc.max_in_flight", "\"many\" is not a whole number"},
      {"grpc: {max_in_flight: '12'}", "grpc.max_in_flight", "not a whole number"},
      {"grpc: {max_in_flight: 1.5}", "grpc.max_in_flight", "not a whole number"},
      {"grpc: {max_in_flight: 0x10}", "grpc.max_in_flight", "not a whole number"},
      {"grpc: {max_in_flight: 010}", "grpc.max_in_flight", "not a whole number"},
      {"grpc: {max_in_flight: 4294967297}", "grpc.max_in_flight",
       "is 4294967297; must be from 1 to 100000"},
      {"grpc: {max_in_flight: [1]}", "grpc.max_in_flight", "is a list"},
      {"grpc: {max_in_flight: {}}", "grpc.max_in_flight", "is a section"},
      {"grpc: {max_in_flight: }", "grpc.max_in_flight", "has no value"},
      {"grpc: {max_request_bytes: 4MB}", "grpc.max_request_bytes", "a size, such as"},
      {"grpc: {max_request_bytes: -1KiB}", "grpc.max_request_bytes", "a size, such as"},
      {"grpc: []", "grpc", "must be a section with keys of its own, and is a list"},
      {"grpc: on", "grpc", "must be a section"},
      {"grpc:", "grpc", "has no value"},
      {"grpc: {listen: null}", "grpc.listen", "has no value"},
      {"grpc: {listen: ~}", "grpc.listen", "has no value"},
      {"grpc: {listen: [a]}", "grpc.listen", "must be text, and is a list"},
      {"grpc: {behind_proxy: yes}", "grpc.behind_proxy", "not true or false"},
      {"grpc: {behind_proxy: True}", "grpc.behind_proxy", "not true or false"},
      {"grpc: {behind_proxy: 'true'}", "grpc.behind_proxy", "not true or false"},
      {"grpc: {behind_proxy: 1}", "grpc.behind_proxy", "not true or false"},
      {"wechat: {timeout: soon}", "wechat.timeout", "a number with a unit"},
      {"wechat: {timeout: 5}", "wechat.timeout", "a number with a unit"},
      {"wechat: {timeout: {seconds: 5}}", "wechat.timeout", "is a section"},
      {"wechat: {api_urls: https://a.cn}", "wechat.api_urls", "must be a list; each item is text"},
      {"wechat: {api_urls: [https://a.cn, ]}", nullptr, nullptr},
      {"wechat: {api_urls: [https://a.cn, ~]}", "wechat.api_urls[1]", "has no value"},
      {"wechat: {api_urls: [{a: b}]}", "wechat.api_urls[0]", "is a section"},
      {"    replies: {on: text}", "accounts[0].replies", "must be a list"},
      {"    replies: [text]", "accounts[0].replies[0]", "must be a section"},
      {"    callback: /path", "accounts[0].callback", "must be a section"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.text);
    const LoadResult result = LoadWith(absl::StrCat(row.text, "\n"));
    if (row.path == nullptr) {
      EXPECT_THAT(result.problems, IsEmpty());
    } else {
      EXPECT_THAT(result.problems, ElementsAre(IsProblem(row.path, 5, row.part)));
    }
  }
}

TEST_F(YamlTest, PlainScalarsAreTextWhereTextIsWanted) {
  const LoadResult result = Load(
      "accounts: [{name: 123, app_id: wx1, app_secret: ${WX_APP_SECRET},\n"
      "  callback: {token: 123456789}, replies: [{on: text, text: true}]}]\n");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.settings.accounts(0).name(), "123");
  EXPECT_EQ(result.settings.accounts(0).callback().token(), "123456789");
  EXPECT_EQ(result.settings.accounts(0).replies(0).text(), "true");
}

// The braces would end a plain text in a flow map; the contract's own example has them there.
TEST_F(YamlTest, SubstitutionsNeedNoQuotesInFlowMaps) {
  variables_["A"] = "a";
  files_["/s"].content = "fromfile";
  const LoadResult result = Load(
      "# ${A\n"
      "accounts: [{name: ${A}, app_id: wx${A}1, app_secret: ${file:/s}, callback: {path: "
      "/${A}/${A}, token: "
      "${WX_CALLBACK_TOKEN}},\n"
      "  replies: [{on: text, text: \"$${A} '${A}'\"}, {on: text, text: $${A}}]}]  # ${A}\n");
  ASSERT_THAT(result.problems, IsEmpty());
  const v1::AccountConfig& account = result.settings.accounts(0);
  EXPECT_EQ(account.name(), "a");
  EXPECT_EQ(account.app_id(), "wxa1");
  EXPECT_EQ(account.app_secret(), "fromfile");
  EXPECT_EQ(account.callback().path(), "/a/a");
  EXPECT_EQ(account.callback().token(), "t0kenfromenv");
  EXPECT_EQ(account.replies(0).text(), "${A} 'a'");
  EXPECT_EQ(account.replies(1).text(), "${A}");
  // What is no substitution stays YAML.
  EXPECT_THAT(Load("accounts: [{name: ${, app_id: }]\n").problems,
              ElementsAre(Field(&Problem::message, HasSubstr("is no YAML"))));
}

TEST_F(YamlTest, K01_EveryProblemIsToldInTheOrderOfTheLines) {
  const LoadResult result = LoadWith(
      "    send_rat: 3\n"
      "wechat: {timeout: soon}\n"
      "grpc:\n"
      "  listen: nowhere\n"
      "  max_in_flight: many\n");
  EXPECT_THAT(
      result.problems,
      ElementsAre(IsProblem("accounts[0].send_rat", 5, ""), IsProblem("wechat.timeout", 6, ""),
                  IsProblem("grpc.listen", 8, ""), IsProblem("grpc.max_in_flight", 9, "")));
}

TEST_F(YamlTest, K01_DuplicateKeys) {
  EXPECT_THAT(LoadWith("log:\n  level: info\n  level: warn\n").problems,
              ElementsAre(IsProblem("log.level", 7, "a second time")));
  EXPECT_THAT(LoadWith("accounts: []\n").problems,
              ElementsAre(IsProblem("accounts", 5, "a second time")));
  EXPECT_THAT(Load("accounts:\n - {name: a, app_id: wx1, app_secret: a, name: b}\n").problems,
              ElementsAre(IsProblem("accounts[0].name", 2, "a second time")));
}

TEST_F(YamlTest, K01_TabsInTheIndentation) {
  EXPECT_THAT(LoadWith("grpc:\n\tlisten: 127.0.0.1:0\n").problems,
              ElementsAre(IsProblem("", 6, "indented with a tab")));
  EXPECT_THAT(LoadWith("grpc:\n  \tlisten: 127.0.0.1:0\n").problems,
              ElementsAre(Field(&Problem::message, HasSubstr("indented with a tab"))));
  // Inside a text, tabs are themselves.
  const LoadResult result = LoadWith(
      "    callback: {token: abc}\n    replies:\n      - on: text\n        text: |\n          a\n  "
      "        \tb\n");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.settings.accounts(0).replies(0).text(), "a\n\tb\n");
}

TEST_F(YamlTest, W03_WhatLooksLikeYamlIsToldWithItsLine) {
  const struct {
    const char* text;  // from line 5
    const char* path;
    int line;
    const char* part;
  } kRows[] = {
      // A full-width colon.
      {"    callback：{token: abc}\nlog: {}\n", "accounts[0].callback", 5,
       "there is a full-width colon (：) behind callback; write \"callback: …\""},
      {"log：\n  level: debug\n", "", 5, "full-width colon (：) behind log"},
      {"log:\n  level：debug\n", "log", 6, "full-width colon (：) behind level"},
      {"log:\n  level ：debug\n  format: json\n", "log", 6, "full-width colon (：) behind level"},
      {"log: {level：debug}\n", "log.level", 5, "full-width colon (：) behind level"},
      // A missing blank; the parser meets it a line later, or behind blank lines and comments.
      {"shutdown:\n  delay:5s\n  grace: 5s\n", "shutdown", 6, "no blank behind the colon of delay"},
      {"shutdown:\n  delay:5s\n\n  # soon\n  grace: 5s\n", "", 6, "behind the colon of delay"},
      {"shutdown:\n  delay:5s\n  grace:5s\n", "shutdown", 6, "no blank behind the colon of delay"},
      {"shutdown: {delay:5s}\n", "shutdown.delay", 5, "no blank behind the colon of delay"},
      {"log:{level: debug}\n", "log", 5, "no blank behind the colon of log"},
      {"    replies:\n      -on: text\n        text: a\n", "accounts[0].replies", 6,
       "no blank behind the dash; write \"- on: …\""},
      // An equals sign, and nothing at all.
      {"shutdown:\n  delay = 5s\n  grace: 5s\n", "shutdown", 6,
       "\"=\" instead of a colon behind delay"},
      {"shutdown:\n  grace: 5s\n  delay=5s\n", "shutdown.delay", 7, "\"=\" instead of a colon"},
      {"log:\n  level debug\n  format: json\n", "log", 7, "is no YAML"},
      {"log:\n  level debug\n", "log", 6, "there is no colon behind level"},
      // Other blanks, as a page or an input method makes them.
      {"log:\n　level: debug\n", "level", 6, "indented with a full-width or no-break space"},
      {"log:\n\u00a0 level: debug\n", "level", 6, "indented with a full-width or no-break space"},
      {"log:\n  level:　debug\n  format: json\n", "log", 6, "space behind the colon of level"},
      {"    replies:\n      -　on: text\n        text: a\n", "accounts[0].replies", 6,
       "space behind the dash"},
      {"log:\n  level: debug\n   format: json\n", "log", 7,
       "is indented deeper than the line above"},
      // Commas and quotes.
      {"log: {level: debug，format: json}\n", "log", 5, "there is a full-width comma"},
      {"log:\n  level: \"debug”\n  format: json\n", "log.level", 6, "a quote is opened here"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.text);
    const LoadResult result = LoadWith(row.text);
    EXPECT_THAT(result.problems, Contains(Field(&Problem::message, HasSubstr(row.part))));
    for (const Problem& problem : result.problems) {
      if (!absl::StrContains(problem.message, row.part)) continue;
      EXPECT_EQ(problem.line, row.line);
      EXPECT_EQ(problem.path, row.path);
    }
  }
}

TEST_F(YamlTest, W03_FullWidthQuotesAreWarnedAbout) {
  const LoadResult wrong =
      Load("accounts:\n  - name: “main”\n    app_id: wx1\n    app_secret: ${WX_APP_SECRET}\n");
  EXPECT_THAT(wrong.warnings,
              ElementsAre(IsProblem("accounts[0].name", 2, "full-width quotes are")));
  const LoadResult meant = LoadWith(
      "    callback: {token: abc}\n    replies: [{on: text, text: '“好”'}, {on: text, text: "
      "回复“1”}]\n");
  EXPECT_THAT(meant.problems, IsEmpty());
  EXPECT_THAT(meant.warnings, Not(Contains(Field(&Problem::message, HasSubstr("quotes")))));
}

TEST_F(YamlTest, W03_AVariableWithoutBracesIsRefused) {
  for (const char* value : {"$WX_APP_SECRET", "\"$WX_APP_SECRET\"", "$(WX_APP_SECRET)",
                            "$｛WX_APP_SECRET｝", "\"%WX_APP_SECRET%\""}) {
    SCOPED_TRACE(value);
    const LoadResult result = Load(
        absl::StrCat("accounts:\n  - name: main\n    app_id: wx1\n    app_secret: ", value, "\n"));
    EXPECT_THAT(result.problems,
                ElementsAre(IsProblem("accounts[0].app_secret", 4, "write ${WX_APP_SECRET}")));
  }
  // What is said to people may look like one.
  EXPECT_THAT(LoadWith("    callback: {token: abc}\n    replies: [{on: text, text: \"$VIP $5\"}, "
                       "{on: text, match: ^帮助$, text: a}]\n")
                  .problems,
              IsEmpty());
}

TEST_F(YamlTest, W03_AKeyWithASlipIsNotMissingToo) {
  const LoadResult result =
      Load("accounts:\n  - name: main\n    app_id: wx1\n    app_secret=abc\n");
  EXPECT_THAT(result.problems, ElementsAre(IsProblem("accounts[0].app_secret", 4, "\"=\"")));
}

// The value of a key that was written wrongly may be a secret.
TEST_F(YamlTest, W03_HintsShowNoValue) {
  for (const char* line :
       {"app_secret=5ecretvalue", "app_secret:5ecretvalue", "app_secret：5ecretvalue",
        "app_secret 5ecretvalue", "app_secret = 5ecretvalue"}) {
    for (const char* more : {"", "    send_rate: 5\n"}) {
      SCOPED_TRACE(line);
      const LoadResult result =
          Load(absl::StrCat("accounts:\n  - name: main\n    app_id: wx1\n    ", line, "\n", more));
      EXPECT_THAT(result.problems, Not(IsEmpty()));
      EXPECT_THAT(AllText(result), Not(HasSubstr("5ecretvalue")));
    }
  }
}

TEST_F(YamlTest, K01_AliasesAnchorsAndTagsAreRefused) {
  EXPECT_THAT(LoadWith("grpc: &g {listen: 127.0.0.1:0}\n").problems,
              ElementsAre(IsProblem("grpc", 5, "anchors")));
  EXPECT_THAT(LoadWith("grpc: *g\n").problems,
              ElementsAre(IsProblem("grpc", 5, "anchor is not defined")));
  EXPECT_THAT(LoadWith("grpc: {listen: !!str x}\n").problems,
              ElementsAre(IsProblem("grpc.listen", 5, "tags")));
  EXPECT_THAT(LoadWith("grpc: !grpc {}\n").problems, ElementsAre(IsProblem("grpc", 5, "tags")));
}

TEST_F(YamlTest, K01_AliasBombIsRefusedAtItsFirstAnchor) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, "*a", i - 1, ", ");
    absl::StrAppend(&bomb, "]\n");
  }
  EXPECT_THAT(Load(bomb).problems, ElementsAre(IsProblem("a0", 1, "anchors")));
}

TEST_F(YamlTest, K01_DepthHasALimit) {
  const auto deep = [](int levels) {
    return absl::StrCat("x: ", std::string(levels - 1, '['), std::string(levels - 1, ']'), "\n");
  };
  Findings fits;
  EXPECT_TRUE(ParseYaml(deep(kMaxYamlDepth), fits).has_value());
  EXPECT_THAT(fits.TakeProblems(), IsEmpty());
  EXPECT_THAT(Load(deep(kMaxYamlDepth + 1)).problems,
              ElementsAre(Field(&Problem::message, HasSubstr("nested too deeply"))));
  for (const int levels : {400, 600, 10000, 400000}) {
    SCOPED_TRACE(levels);
    EXPECT_THAT(Load(deep(levels)).problems,
                ElementsAre(AllOf(Field(&Problem::message, HasSubstr("nested too deeply")),
                                  Field(&Problem::line, 1))));
  }
  std::string block;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&block, std::string(i, ' '), "a:\n");
  EXPECT_THAT(Load(block).problems, ElementsAre(Field(&Problem::message, HasSubstr("nested too"))));
}

TEST_F(YamlTest, K01_NumberOfValuesHasALimit) {
  const auto many = [](int items) {
    std::string text = "x: [";
    for (int i = 0; i < items; ++i) text += "a,";
    return text + "]\n";
  };
  Findings fits;
  // The map, the key and the list are three of them.
  EXPECT_TRUE(ParseYaml(many(kMaxYamlNodes - 3), fits).has_value());
  EXPECT_THAT(Load(many(kMaxYamlNodes - 2)).problems,
              ElementsAre(IsProblem("x[19997]", 1, "20000 are the limit")));
}

TEST_F(YamlTest, K01_ProblemsHaveALimit) {
  std::string text;
  for (int i = 0; i < 150; ++i) absl::StrAppend(&text, "unknown", i, ": 1\n");
  const LoadResult result = LoadWith(text);
  ASSERT_EQ(result.problems.size(), 101u);
  EXPECT_EQ(result.problems.back().message, "and 50 more");
}

TEST_F(YamlTest, K01_FilesThatAreNoConfiguration) {
  const std::string nul("accounts:\n  a\0b", 15);
  const struct {
    std::string text;
    const char* path;
    int line;
    const char* part;
  } kRows[] = {
      {"", "accounts", 1, "required"},
      {"# nothing yet\n", "accounts", 1, "required"},
      {"---\n", "", 2, "is nothing"},
      {"hello\n", "", 1, "is a single value"},
      {"- a\n", "", 1, "is a list"},
      {"a: b\n---\nc: d\n", "", 2, "second document"},
      {"accounts: {\n", "accounts", 2, "is no YAML: end of map"},
      {"a: b: c\n", "", 1, "is no YAML: illegal map value"},
      {"grpc: {listen: @x}\n", "grpc.listen", 1, "is no YAML"},
      {"a: \"\\你\"\n", "a", 1, "unknown escape character: \xEF\xBF\xBD"},
      {"? [a, b]\n: c\n", "", 1, "a key must be plain text"},
      {"? {a: b}\n: c\n", "", 1, "a key must be plain text"},
      {"~: c\n", "", 1, "a key must be plain text"},
      {nul, "", 2, "control character"},
      {"a: \x1b[31m\n", "", 1, "control character"},
      {"a: b\nc: \xff\n", "", 2, "is not UTF-8"},
      {"a: \xed\xa0\x80\n", "", 1, "is not UTF-8"},
      {std::string("\xff\xfe"
                   "a\0:\0",
                   6),
       "", 1, "is not UTF-8"},
      {std::string("a\0:\0", 4), "", 1, "control character"},
      {"grpc: {listen: \"\\0\"}\n", "grpc.listen", 1, "control character"},
      {"grpc: {listen: \"\\ud800\"}\n", "grpc.listen", 1, "invalid unicode"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.text);
    EXPECT_THAT(Load(row.text).problems, Contains(IsProblem(row.path, row.line, row.part)));
  }
}

TEST_F(YamlTest, HarmlessVariantsOfTheSameFileAreRead) {
  std::string crlf = kAccount;
  for (std::size_t i = 0; (i = crlf.find('\n', i)) != std::string::npos; i += 2)
    crlf.insert(i, "\r");
  for (const std::string& text :
       {absl::StrCat("\xef\xbb\xbf", kAccount), crlf,
        absl::StrCat("%YAML 1.2\n---\n", kAccount, "...\n"), absl::StrCat(kAccount, "# 结束"),
        absl::StrCat("---\n", kAccount)}) {
    SCOPED_TRACE(text);
    const LoadResult result = Load(text);
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.settings.accounts(0).app_id(), "wx0123456789abcdef");
  }
}

TEST_F(YamlTest, OddKeysAreShownPrintable) {
  const LoadResult result =
      Load("\"a\\nb\": 1\n" + absl::StrCat("\"", std::string(500, 'k'), "\": 2\n"));
  ASSERT_EQ(result.problems.size(), 3u);
  EXPECT_THAT(result.problems, Each(Field(&Problem::path, Not(HasSubstr("\n")))));
  for (const Problem& problem : result.problems) EXPECT_LT(problem.path.size(), 100u);
}

// No mutation of a good file may crash or throw; ASan and the assertions of the library look on.
TEST_F(YamlTest, MutatedFilesAreReadOrRefused) {
  const std::string good =
      absl::StrCat(kAccount,
                   "    callback: { path: /a, token: \"t0ken\" }\n    replies:\n      - {on: text, "
                   "text: |\n  a}\n",
                   "wechat: {api_urls: ['https://a.cn'], timeout: 5s}\n# end\n");
  const std::string pieces[] = {"{",  "}",     "[",     "]",    ":",    "- ", "\n",   "\t",  "&a ",
                                "*a", "!t ",   "? ",    "|\n",  ">-\n", "'",  "\"",   "\\x", "${",
                                "}",  "---\n", "...\n", "%T\n", "#",    ",",  "\xff", "~"};
  std::mt19937 random(20240425);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    for (unsigned change = random() % 4 + 1; change > 0; --change) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, random() % 8 + 1);
      } else {
        text.insert(at, pieces[random() % std::size(pieces)]);
      }
    }
    SCOPED_TRACE(text);
    const LoadResult result = Load(text);
    refused += result.problems.empty() ? 0 : 1;
    EXPECT_THAT(AllText(result), Not(HasSubstr(variables_["WX_APP_SECRET"])));
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace hongyan::config
