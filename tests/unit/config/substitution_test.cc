#include "server/config/substitution.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SubstitutionTest : public ConfigTest {
 protected:
  std::string Apply(const std::string& text) {
    const Environment world = World();
    Substitution substitution(world);
    const auto result = substitution.Apply(text);
    return result.ok() ? result->text : "error: " + std::string(result.status().message());
  }
};

TEST_F(SubstitutionTest, VariablesAndFilesTakeTheirPlaces) {
  variables_ = {{"A", "one"}, {"_b2", "two"}, {"EMPTY", ""}, {"MONEY", "${A} $${A}"}};
  files_["/run/x"].content = "${A}";
  const struct {
    const char* text;
    const char* result;
  } kRows[] = {
      {"", ""},
      {"plain", "plain"},
      {"${A}", "one"},
      {"<${A}/${_b2}>", "<one/two>"},
      {"${EMPTY}", ""},
      {"${MONEY}", "${A} $${A}"},  // never looked at again
      {"${file:/run/x}", "${A}"},
      {"^帮助$", "^帮助$"},
      {"$A $1 $$ $", "$A $1 $$ $"},
      {"$${A}", "${A}"},
      {"a$${A}${A}$${", "a${A}one${"},
      {"{}}", "{}}"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Apply(row.text), row.result) << row.text;
}

TEST_F(SubstitutionTest, K02_WhatIsWrongNamesItself) {
  EXPECT_THAT(Apply("${UNSET}"), HasSubstr("error: environment variable UNSET is not set"));
  EXPECT_THAT(Apply("${file:/missing}"), HasSubstr("error: ${file:/missing}: No such file"));
  EXPECT_THAT(Apply("${file:}"), HasSubstr("names no file"));
  for (const char* text :
       {"${}", "${ A}", "${A B}", "${1A}", "${A:-default}", "${A-b}", "${env:A}", "${$A}"}) {
    EXPECT_THAT(Apply(text), HasSubstr("error: ${…} takes a variable's name")) << text;
  }
  for (const char* text : {"${", "a${A", "$${A}${"}) {
    EXPECT_THAT(Apply(text), HasSubstr("error: ${ without its }")) << text;
  }
}

TEST_F(SubstitutionTest, K02_FilesLoseTheirMarkAndLastLineBreak) {
  const struct {
    const char* content;
    const char* result;
  } kRows[] = {
      {"secret", "secret"},
      {"secret\n", "secret"},
      {"secret\r\n", "secret"},
      {"secret\n\n", "secret\n"},
      {"a\nb\n", "a\nb"},
      {"\xef\xbb\xbfsecret\n", "secret"},
      {"\n", ""},
      {"", ""},
      {"\xef\xbb\xbf", ""},
      {"secret\r", "secret\r"},
      {" secret \n", " secret "},
  };
  for (const auto& row : kRows) {
    files_["/f"].content = row.content;
    EXPECT_EQ(Apply("${file:/f}"), row.result) << row.content;
  }
}

TEST_F(SubstitutionTest, K02_FilesAndValuesHaveALimit) {
  files_["/fits"].content = std::string(Substitution::kMaxValue, 'a');
  files_["/large"].content = std::string(Substitution::kMaxValue + 1, 'a');
  EXPECT_EQ(Apply("${file:/fits}").size(), Substitution::kMaxValue);
  EXPECT_THAT(Apply("${file:/large}"), HasSubstr("error: ${file:/large}: is too large"));
  EXPECT_THAT(Apply("${file:/fits}${file:/fits}"), HasSubstr("error: the value exceeds 64 KiB"));
  const Environment world = World();
  Substitution substitution(world);
  for (std::size_t i = 0; i < Substitution::kMaxTotal / Substitution::kMaxValue; ++i) {
    ASSERT_TRUE(substitution.Apply("${file:/fits}").ok()) << i;
  }
  EXPECT_FALSE(substitution.Apply("${WX_APP_SECRET}").ok());
}

TEST_F(SubstitutionTest, K02_LoaderNamesPathAndLine) {
  variables_.erase("WX_APP_SECRET");
  EXPECT_THAT(
      LoadWith("wechat: {ca_file: '${file:/none}'}\n").problems,
      ElementsAre(IsProblem("accounts[0].app_secret", 4, "variable WX_APP_SECRET is not set"),
                  IsProblem("wechat.ca_file", 5, "${file:/none}")));
}

TEST_F(SubstitutionTest, OnlyTextTakesSubstitutions) {
  variables_["N"] = "12";
  variables_["T"] = "5s";
  EXPECT_THAT(
      LoadWith("grpc: {max_in_flight: '${N}'}\nwechat: {timeout: '${T}'}\n").problems,
      ElementsAre(IsProblem("grpc.max_in_flight", 5, ""), IsProblem("wechat.timeout", 6, "")));
  EXPECT_THAT(LoadWith("${N}: 1\n").problems, ElementsAre(IsProblem("${N}", 5, "unknown key")));
}

TEST_F(SubstitutionTest, K02_EmptyAndBinaryValuesAreRefusedUnseen) {
  variables_["WX_APP_SECRET"] = "";
  EXPECT_THAT(LoadWith("").problems,
              ElementsAre(IsProblem("accounts[0].app_secret", 4, "is empty")));
  for (const std::string& value : {std::string("\xff\xfe"), std::string("a\0b", 3),
                                   std::string("a b"), std::string("密"), std::string(257, 's')}) {
    variables_["WX_APP_SECRET"] = value;
    const LoadResult result = LoadWith("");
    EXPECT_THAT(result.problems, ElementsAre(IsProblem("accounts[0].app_secret", 4, "")));
    EXPECT_THAT(AllText(result), Not(HasSubstr(value)));
  }
}

TEST_F(SubstitutionTest, SubstitutedValuesAreNotShown) {
  variables_["WRONG"] = "PlantedValue";
  const LoadResult result = LoadWith(
      "log: {level: '${WRONG}', format: '${WRONG}'}\n"
      "grpc: {listen: '${WRONG}'}\n"
      "wechat: {api_urls: ['https://u:${WRONG}@a.cn'], token_endpoint: '${WRONG}'}\n");
  EXPECT_EQ(result.problems.size(), 5u);
  EXPECT_THAT(AllText(result), Not(HasSubstr("PlantedValue")));
}

}  // namespace
}  // namespace hongyan::config
