#include "client/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "client/cli/language.h"

namespace hongyan::cli {
namespace {

using testing::HasSubstr;

class CommandLineTest : public testing::Test {
 protected:
  Environment Env() {
    return [this](const char* name) { return env_[name]; };
  }
  CommandLine Good(const std::vector<std::string>& args) {
    auto parsed = ParseCommandLine(args, Env());
    if (const auto* end = std::get_if<CommandLineEnd>(&parsed)) {
      ADD_FAILURE() << end->err << end->out;
      return {};
    }
    return std::get<CommandLine>(parsed);
  }
  CommandLineEnd End(const std::vector<std::string>& args) {
    auto parsed = ParseCommandLine(args, Env());
    if (!std::holds_alternative<CommandLineEnd>(parsed)) {
      ADD_FAILURE() << "was taken";
      return {};
    }
    return std::get<CommandLineEnd>(parsed);
  }

  std::map<std::string, std::string> env_;
};

TEST_F(CommandLineTest, OptionsMayStandBeforeAndAfterTheCommand) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"--target", "h:1", "--account", "a", "-o", "json", "send", "text", "oA", "hi"},
           {"send", "--target", "h:1", "text", "--account", "a", "oA", "hi", "-o", "json"},
           {"send", "text", "oA", "--target=h:1", "hi", "--output", "json", "--account=a"}}) {
    const CommandLine line = Good(args);
    EXPECT_EQ(line.global.target, "h:1");
    EXPECT_EQ(line.global.account, "a");
    EXPECT_EQ(line.global.output, OutputForm::kJson);
  }
}

TEST_F(CommandLineTest, TargetComesFromFlagThenEnvironmentThenDefault) {
  EXPECT_EQ(Good({"user", "get", "oA"}).global.target, "127.0.0.1:9090");
  env_["HONGYAN_TARGET"] = "env:2";
  EXPECT_EQ(Good({"user", "get", "oA"}).global.target, "env:2");
  EXPECT_EQ(Good({"user", "get", "oA", "--target", "flag:3"}).global.target, "flag:3");
}

TEST_F(CommandLineTest, TimeoutsAreTimes) {
  EXPECT_EQ(Good({"user", "get", "oA", "--timeout", "250ms"}).global.timeout,
            absl::Milliseconds(250));
  EXPECT_EQ(Good({"user", "get", "oA"}).global.timeout, absl::ZeroDuration());
  for (const char* bad : {"10", "0s", "-1s", "soon", "25h", "inf"}) {
    EXPECT_EQ(End({"user", "get", "oA", "--timeout=" + std::string(bad)}).exit_code, kExitUsage)
        << bad;
  }
  EXPECT_THAT(End({"user", "get", "oA", "--timeout", "10"}).err, HasSubstr("'10' is no time"));
  env_["LANG"] = "zh_CN.UTF-8";
  EXPECT_THAT(End({"user", "get", "oA", "--timeout", "10"}).err,
              HasSubstr("“10”不是 500ms、10s、2m 这样的时间"));
}

TEST_F(CommandLineTest, CertificatesImplyTls) {
  EXPECT_FALSE(Good({"user", "get", "oA"}).global.tls);
  EXPECT_TRUE(Good({"user", "get", "oA", "--tls"}).global.tls);
  EXPECT_TRUE(Good({"user", "get", "oA", "--ca-file", "ca"}).global.tls);
  EXPECT_TRUE(Good({"user", "get", "oA", "--cert-file", "c", "--key-file", "k"}).global.tls);
  EXPECT_EQ(End({"user", "get", "oA", "--cert-file", "c"}).exit_code, kExitUsage);
}

TEST_F(CommandLineTest, WrongUsageEndsWithTwo) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{},
                                             {"send"},
                                             {"fly"},
                                             {"send", "text", "oA"},
                                             {"send", "text", "oA", "a", "b"},
                                             {"send", "template", "oA", "T1"},
                                             {"send", "batch", "f", "--resume", "--restart"},
                                             {"user", "get", "oA", "--lang", "fr"},
                                             {"user", "get", "oA", "-o", "xml"},
                                             {"user", "get", "oA", "--no-such-option"}}) {
    const CommandLineEnd end = End(args);
    EXPECT_EQ(end.exit_code, kExitUsage);
    EXPECT_EQ(end.out, "");
    EXPECT_THAT(end.err, testing::StartsWith("hongyan: "));
  }
}

TEST_F(CommandLineTest, AnUnknownCommandIsNamedWithThoseThatThereAre) {
  EXPECT_EQ(End({"bogus"}).err,
            "hongyan: unknown command 'bogus'; there are send, user, subscriber, event, help, "
            "version: see `hongyan "
            "--help`\n");
  EXPECT_EQ(
      End({"send", "--timeout", "5s", "fax", "--account=a", "oA"}).err,
      "hongyan: unknown command 'send fax'; there are text, template, batch: see `hongyan send "
      "--help`\n");
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"fly", "send", "text", "oA", "hi"},
                                             {"--timeout", "soon", "fly"},
                                             {"--target", "send", "fly", "text"},
                                             {"-ojson", "fly"},
                                             {"-o", "json", "--tls", "fly", "--nonsense"}}) {
    EXPECT_THAT(End(args).err, HasSubstr("unknown command 'fly'"));
  }
  EXPECT_THAT(End({"fly\x1b[2J"}).err, HasSubstr("'fly\\u001b[2J'"));
  EXPECT_EQ(End({"subscriber"}).err,
            "hongyan: a command is missing behind `hongyan subscriber`; there are get, list, sync: "
            "see `hongyan subscriber --help`\n");
  EXPECT_THAT(End({}).err, HasSubstr("a command is missing behind `hongyan`"));
  env_["LANG"] = "zh_CN.UTF-8";
  EXPECT_EQ(End({"bogus"}).err,
            "hongyan: 未知命令“bogus”；可用的命令有 "
            "send、user、subscriber、event、help、version，详见 `hongyan "
            "--help`\n");
  EXPECT_THAT(End({"event"}).err,
              HasSubstr("`hongyan event` 之后缺少命令；可用的命令有 list、watch，"));
}

TEST_F(CommandLineTest, CommandsOfLaterVersionsAreAnnounced) {
  for (const auto& [said, args] : std::map<std::string, std::vector<std::string>>{
           {"delivery", {"delivery", "get", "x"}},
           {"account", {"account", "list"}},
           {"doctor", {"doctor"}},
           {"send message", {"send", "message", "oA"}},
           {"send subscription", {"send", "subscription", "oA", "text"}}}) {
    env_["LANG"] = "C";
    const CommandLineEnd end = End(args);
    EXPECT_EQ(end.exit_code, kExitUsage);
    EXPECT_THAT(end.err, HasSubstr("'" + said + "' comes with a later version of hongyan"));
    env_["LANG"] = "zh_CN.UTF-8";
    EXPECT_THAT(End(args).err, HasSubstr("“" + said + "”将在后续版本中提供"));
  }
}

TEST_F(CommandLineTest, EveryKindOfWrongUsageIsSaidInBothLanguages) {
  struct Case {
    std::vector<std::string> args;
    std::string english;
    std::string chinese;
  };
  for (const Case& one : std::vector<Case>{
           {{"send", "text", "oA"},
            "CONTENT is missing in `hongyan send text OPENID CONTENT`: see `hongyan send text "
            "--help`",
            "`hongyan send text OPENID CONTENT` 中缺少 CONTENT，详见 `hongyan send text --help`"},
           {{"send", "template", "oA", "T1"},
            "KEY=VALUE is missing in `hongyan send template OPENID TEMPLATE_ID KEY=VALUE…`: see "
            "`hongyan send template --help`",
            "`hongyan send template OPENID TEMPLATE_ID KEY=VALUE…` 中缺少 KEY=VALUE，详见 `hongyan "
            "send template --help`"},
           {{"send", "text", "oA", "a", "b"},
            "'b' is one argument too many; text with blanks goes in quotes, for the rest see "
            "`hongyan send text --help`",
            "“b”是多余的参数；含空格的文本请加引号，其余见 `hongyan send text --help`"},
           {{"send", "text", "oA", "a", "--", "-b"},
            "'-b' is one argument too many; text with blanks goes in quotes, for the rest see "
            "`hongyan send text --help`",
            "“-b”是多余的参数；含空格的文本请加引号，其余见 `hongyan send text --help`"},
           {{"user", "get", "oA", "--token=s3cret"},
            "unknown option '--token'; text that begins with a dash goes behind --, for the rest "
            "see "
            "`hongyan user get --help`",
            "未知选项“--token”；以短横线开头的文本请放在 -- 之后，其余见 `hongyan user get "
            "--help`"},
           {{"send", "text", "oA", "-abc"},
            "unknown option '-a'; text that begins with a dash goes behind --, for the rest see "
            "`hongyan send text --help`",
            "未知选项“-a”；以短横线开头的文本请放在 -- 之后，其余见 `hongyan send text --help`"},
           {{"user", "get", "oA", "-o", "xml"},
            "--output: 'xml' is none of table, json",
            "--output：“xml”不在可选值之中：table, json"},
           {{"event", "list", "--limit", "0"},
            "--limit: '0' is no number from 1 to 9223372036854775807",
            "--limit：“0”不是 1 到 9223372036854775807 之间的整数"},
           {{"user", "get", "oA", "--target"},
            "--target needs a value behind it: see `hongyan user get --help`",
            "--target 之后缺少它的值，详见 `hongyan user get --help`"},
           {{"user", "get", "oA", "--target", "a", "--target", "b"},
            "--target is given twice, once is enough",
            "--target 重复出现，请只保留一个"},
           {{"user", "get", "oA", "--tls=perhaps"},
            "Could not convert: --tls = perhaps; see `hongyan user get --help`",
            "开关选项不带值，请去掉 = 及其后的内容（Could not convert: --tls = perhaps），详见 "
            "`hongyan user get --help`"},
           {{"user", "get", "oA", "--cert-file", "c"},
            "--cert-file requires --key-file; see `hongyan user get --help`",
            "须同时给出另一个选项（--cert-file requires --key-file），详见 `hongyan user get "
            "--help`"},
           {{"send", "batch", "f", "--resume", "--restart"},
            "--resume excludes --restart; see `hongyan send batch --help`",
            "这两个选项不能同时使用（--resume excludes --restart），详见 `hongyan send batch "
            "--help`"}}) {
    env_["LANG"] = "C";
    const CommandLineEnd end = End(one.args);
    EXPECT_EQ(end.exit_code, kExitUsage);
    EXPECT_EQ(end.err, "hongyan: " + one.english + "\n");
    env_["LANG"] = "zh_CN.UTF-8";
    EXPECT_EQ(End(one.args).err, "hongyan: " + one.chinese + "\n");
  }
}

TEST_F(CommandLineTest, HelpAndVersionEndWithZero) {
  const CommandLineEnd help = End({"--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_EQ(help.err, "");
  for (const char* said :
       {"--target", "HONGYAN_TARGET", "send", "user", "subscriber", "event", "Exit codes"}) {
    EXPECT_THAT(help.out, HasSubstr(said));
  }
  EXPECT_THAT(End({"send", "batch", "--help"}).out, HasSubstr("--resume"));
  EXPECT_THAT(End({"--version"}).out, testing::MatchesRegex("hongyan [0-9.]+\n"));
}

TEST_F(CommandLineTest, W05_HelpAndVersionAreCommandsToo) {
  EXPECT_EQ(End({"help"}).out, End({"--help"}).out);
  EXPECT_EQ(End({"help", "send", "text"}).out, End({"send", "text", "--help"}).out);
  EXPECT_EQ(End({"version"}).out, End({"--version"}).out);
  EXPECT_EQ(End({"help"}).exit_code, kExitOk);
  EXPECT_THAT(End({"help", "bogus"}).err, HasSubstr("unknown command 'bogus'"));
}

TEST_F(CommandLineTest, W05_HelpIsChineseInAChineseLocale) {
  env_["LANG"] = "zh_CN.UTF-8";
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{},
                                             {"send"},
                                             {"send", "text"},
                                             {"send", "template"},
                                             {"send", "batch"},
                                             {"user"},
                                             {"user", "get"},
                                             {"user", "batch"},
                                             {"subscriber"},
                                             {"subscriber", "get"},
                                             {"subscriber", "list"},
                                             {"subscriber", "sync"},
                                             {"event"},
                                             {"event", "list"},
                                             {"event", "watch"}}) {
    std::vector<std::string> args = {"help"};
    args.insert(args.end(), command.begin(), command.end());
    const std::string help = End(args).out;
    EXPECT_THAT(help, HasSubstr("用法：hongyan"));
    // Names, examples and values aside, each line that speaks does so in Chinese.
    for (const absl::string_view line : absl::StrSplit(help, '\n')) {
      const bool speaks = std::regex_search(std::string(line), std::regex("[a-z]+ [a-z]+ [a-z]+"));
      const bool chinese = std::any_of(line.begin(), line.end(), [](char c) { return c < 0; });
      EXPECT_TRUE(!speaks || chinese || absl::StrContains(line, "hongyan ")) << line;
    }
    for (const char* english : {"Usage", "Options", "Positionals", "Subcommands", "REQUIRED",
                                "OPTIONS", "SUBCOMMAND", "Excludes", "Needs"}) {
      EXPECT_THAT(help, testing::Not(HasSubstr(english)));
    }
  }
}

TEST_F(CommandLineTest, W05_TokenOptionsAreTakenAndNotShown) {
  EXPECT_EQ(Good({"user", "get", "oA", "--token-file", "f"}).global.token_file, "f");
  EXPECT_TRUE(Good({"user", "get", "oA", "--allow-plaintext-token"}).global.allow_plaintext_token);
  for (const std::string& help : {End({"--help"}).out, End({"send", "text", "--help"}).out}) {
    EXPECT_THAT(help, testing::Not(HasSubstr("oken")));
  }
}

TEST_F(CommandLineTest, W05_DurationsAreThoseOfTheConfiguration) {
  EXPECT_EQ(Good({"user", "get", "oA", "--timeout", "1d"}).global.timeout, absl::Hours(24));
  EXPECT_EQ(Good({"user", "get", "oA", "--timeout", "2m"}).global.timeout, absl::Minutes(2));
  for (const char* bad :
       {"1h30m", "1.5s", "10 s", "+5s", "05s", "5S", "s", "2d", "99999999999999d"}) {
    EXPECT_EQ(End({"user", "get", "oA", "--timeout", bad}).exit_code, kExitUsage) << bad;
  }
}

TEST_F(CommandLineTest, W05_WrongUsageIsJsonWhereJsonIsAskedFor) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"send", "text", "oA", "-o", "json"},
                                             {"-ojson", "send", "text", "oA"},
                                             {"send", "--output=json", "text", "oA"},
                                             {"send", "text", "--output", "json", "oA"}}) {
    EXPECT_THAT(End(args).err,
                testing::StartsWith(
                    R"({"error":{"code":"INVALID_ARGUMENT","message":"CONTENT is missing in)"));
  }
  EXPECT_THAT(End({"send", "text", "--", "-o", "json", "x"}).err, testing::StartsWith("hongyan: "));
}

TEST_F(CommandLineTest, LanguageIsThatOfTheFirstLocaleSet) {
  EXPECT_EQ(ReadLanguage(Env()), Language::kEnglish);
  env_["LANG"] = "zh_CN.UTF-8";
  EXPECT_EQ(ReadLanguage(Env()), Language::kChinese);
  env_["LC_MESSAGES"] = "de_DE.UTF-8";
  EXPECT_EQ(ReadLanguage(Env()), Language::kEnglish);
  env_["LC_ALL"] = "zh_TW";
  EXPECT_EQ(ReadLanguage(Env()), Language::kChinese);
}

}  // namespace
}  // namespace hongyan::cli
