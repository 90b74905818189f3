#include "client/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/cli/language.h"

namespace hongyan::cli {
namespace {

using testing::ElementsAre;
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
    const auto& text = std::get<SendTextArgs>(line.command);
    EXPECT_EQ(text.openid, "oA");
    EXPECT_EQ(text.content, "hi");
  }
}

TEST_F(CommandLineTest, TargetComesFromFlagThenEnvironmentThenDefault) {
  EXPECT_EQ(Good({"user", "get", "oA"}).global.target, "127.0.0.1:9090");
  env_["HONGYAN_TARGET"] = "env:2";
  EXPECT_EQ(Good({"user", "get", "oA"}).global.target, "env:2");
  EXPECT_EQ(Good({"user", "get", "oA", "--target", "flag:3"}).global.target, "flag:3");
}

TEST_F(CommandLineTest, AnyTextIsContent) {
  for (const char* content :
       {"[微笑]", "[a,b]", "user", "text", "=", "a b\nc", "{}", "'", "/help"}) {
    const CommandLine line = Good({"send", "text", "oA", content});
    EXPECT_EQ(std::get<SendTextArgs>(line.command).content, content);
  }
  const CommandLine line = Good({"send", "text", "oA", "--", "-5°C"});
  EXPECT_EQ(std::get<SendTextArgs>(line.command).content, "-5°C");
}

TEST_F(CommandLineTest, TemplateTakesItsKeywords) {
  const CommandLine line =
      Good({"send", "template", "oA", "T1", "thing1=茶", "amount3=[1,2]", "--url", "https://e.org",
            "--mini-program", "wx1:a?b=c", "--idempotency-key", "k", "--validate-only"});
  const auto& args = std::get<SendTemplateArgs>(line.command);
  EXPECT_EQ(args.template_id, "T1");
  EXPECT_THAT(args.data, ElementsAre("thing1=茶", "amount3=[1,2]"));
  EXPECT_EQ(args.url, "https://e.org");
  EXPECT_EQ(args.mini_program, "wx1:a?b=c");
  EXPECT_EQ(args.idempotency_key, "k");
  EXPECT_TRUE(args.validate_only);
}

TEST_F(CommandLineTest, BatchAndUserCommands) {
  const auto batch =
      std::get<SendBatchArgs>(Good({"send", "batch", "-", "--failed-file", "f"}).command);
  EXPECT_EQ(batch.file, "-");
  EXPECT_EQ(batch.failed_file, "f");
  EXPECT_FALSE(batch.resume);
  const auto get = std::get<UserGetArgs>(Good({"user", "get", "oA", "--lang", "en"}).command);
  EXPECT_EQ(get.lang, "en");
  const auto users = std::get<UserBatchArgs>(Good({"user", "batch", "oA", "oB"}).command);
  EXPECT_THAT(users.openids, ElementsAre("oA", "oB"));
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

TEST_F(CommandLineTest, HelpAndVersionEndWithZero) {
  const CommandLineEnd help = End({"--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_EQ(help.err, "");
  for (const char* said :
       {"--target", "HONGYAN_TOKEN", "send", "user", "subscriber", "event", "Exit codes"}) {
    EXPECT_THAT(help.out, HasSubstr(said));
  }
  EXPECT_THAT(End({"send", "batch", "--help"}).out, HasSubstr("--resume"));
  EXPECT_THAT(End({"--version"}).out, testing::MatchesRegex("hongyan [0-9.]+\n"));
}

TEST_F(CommandLineTest, LanguageIsThatOfTheFirstLocaleSet) {
  EXPECT_EQ(LanguageOf(Env()), Language::kEnglish);
  env_["LANG"] = "zh_CN.UTF-8";
  EXPECT_EQ(LanguageOf(Env()), Language::kChinese);
  env_["LC_MESSAGES"] = "de_DE.UTF-8";
  EXPECT_EQ(LanguageOf(Env()), Language::kEnglish);
  env_["LC_ALL"] = "zh_TW";
  EXPECT_EQ(LanguageOf(Env()), Language::kChinese);
}

}  // namespace
}  // namespace hongyan::cli
