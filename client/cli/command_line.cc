#include "client/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_replace.h"
#include "client/cli/commands/commands.h"
#include "client/cli/language.h"
#include "client/cli/problem.h"
#include "client/cli/typed_time.h"
#include "client/cli/usage_problem.h"
#include "hongyan_client/client.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::cli {
namespace {

constexpr Wording kFooter = {
    R"(`hongyan help COMMAND` shows what `hongyan COMMAND --help` shows, `hongyan version` the version.

Environment:
  HONGYAN_TARGET   stands in for --target

Exit codes:
  0 done   1 the call or a send failed, the reason is on standard error   2 wrong usage

Examples:
  hongyan send text oABC123 '您的订单已发货'
  hongyan send template oABC123 TEMPLATE_ID thing1=夏日蜜桃茶 amount3=¥39.80 --url https://example.com/o/1
  hongyan send batch notices.jsonl
  hongyan user get oABC123 -o json
  hongyan subscriber list --inbound-after 48h
  hongyan event watch --type text --after 0 -o json

Text that begins with a dash goes behind --:  hongyan send text oABC123 -- '-5°C tonight')",
    R"(`hongyan help COMMAND` 等同于 `hongyan COMMAND --help`，`hongyan version` 显示版本。

环境变量：
  HONGYAN_TARGET   代替 --target

退出码：
  0 成功   1 调用或发送失败，原因见标准错误输出   2 用法错误

示例：
  hongyan send text oABC123 '您的订单已发货'
  hongyan send template oABC123 TEMPLATE_ID thing1=夏日蜜桃茶 amount3=¥39.80 --url https://example.com/o/1
  hongyan send batch notices.jsonl
  hongyan user get oABC123 -o json
  hongyan subscriber list --inbound-after 48h
  hongyan event watch --type text --after 0 -o json

以短横线开头的文本请放在 -- 之后：hongyan send text oABC123 -- '-5°C，注意保暖')"};

// What CLI11 says in its help.
constexpr auto kChineseHelp = std::to_array<std::pair<absl::string_view, absl::string_view>>(
    {{"Usage: ", "用法："},
     {"\nPositionals:\n", "\n参数：\n"},
     {"\nOptions:\n", "\n选项：\n"},
     {"\nSubcommands:\n", "\n子命令：\n"},
     {"[OPTIONS]", "[选项]"},
     {" SUBCOMMAND\n", " 子命令\n"},
     {" REQUIRED", " 必填"},
     {" Needs: ", " 须同时给出："},
     {" Excludes: ", " 不能同时使用："}});

// nullopt: no time-out that a call may have.
std::optional<absl::Duration> ParseTimeout(const std::string& text) {
  const std::optional<absl::Duration> duration = ParseDuration(text);
  if (!duration.has_value() || *duration == absl::ZeroDuration() || *duration > absl::Hours(24)) {
    return std::nullopt;
  }
  return duration;
}

absl::Status CheckTimeout(const std::string& text) {
  if (ParseTimeout(text).has_value()) return absl::OkStatus();
  return Problem({"--timeout: '$0' is no time like 500ms, 10s or 2m (up to 24h)",
                  "--timeout：“$0”不是 500ms、10s、2m 这样的时间（最长 24h）"},
                 text);
}

absl::Status CheckRequestId(const std::string& id) {
  if (client::IsRequestId(id)) return absl::OkStatus();
  return Problem({"--request-id has 1 to 128 visible ASCII characters",
                  "--request-id 应为 1 至 128 个可见 ASCII 字符"});
}

// `hongyan help send text` means `hongyan send text --help`.
std::vector<std::string> Expand(const std::vector<std::string>& args) {
  if (args.empty()) return args;
  if (args[0] == "version" && args.size() == 1) return {"--version"};
  if (args[0] != "help") return args;
  std::vector<std::string> expanded(args.begin() + 1, args.end());
  expanded.emplace_back("--help");
  return expanded;
}

// The options of a bearer token are taken and not shown, until the service knows tokens.
constexpr char kHidden[] = "";

// Adds the options of `hongyan` itself.
void AddGlobals(Command& program, GlobalArgs& global) {
  program.AddOption("--target", "HOST:PORT", global.target,
                    {"The service; default 127.0.0.1:9090", "服务地址，默认 127.0.0.1:9090"});
  program
      .AddFile("--token-file", global.token_file, {"File with the bearer token", "存放令牌的文件"})
      ->group(kHidden);
  program.AddFlag(
      "--tls", [&global] { global.tls = true; },
      {"Use TLS; the next three options imply it", "使用 TLS；给出后面三个选项时自动启用"});
  program.AddFile("--ca-file", global.ca_file,
                  {"PEM of the CAs to trust instead of the system's", "代替系统 CA 的 PEM 文件"});
  CLI::Option* cert = program.AddFile("--cert-file", global.cert_file,
                                      {"PEM of a client certificate", "客户端证书（PEM）"});
  CLI::Option* key =
      program.AddFile("--key-file", global.key_file, {"PEM of its key", "客户端证书的私钥（PEM）"});
  cert->needs(key);
  key->needs(cert);
  program
      .AddFlag(
          "--allow-plaintext-token", [&global] { global.allow_plaintext_token = true; },
          {"Send the token without TLS to another machine too", "允许不经 TLS 把令牌发往其他机器"})
      ->group(kHidden);
  program.AddOption("--account", "NAME", global.account,
                    {"The Official Account's name in the service's configuration; may be left out "
                     "when there is one",
                     "服务配置中的公众号名称；只有一个时可省略"});
  program.Check(
      program.AddOption(
          "--timeout", "TIME",
          [&global](const std::string& text) { global.timeout = *ParseTimeout(text); },
          {"How long a call may take; default 10s, for each 32 of a batch 10m, for sync 24h",
           "一次调用的时限；默认 10s，批量发送每 32 条 10m，sync 为 24h"}),
      CheckTimeout);
  program.Check(program.AddOption("--request-id", "ID", global.request_id,
                                  {"Logged by the service: 1 to 128 visible ASCII characters",
                                   "由服务记入日志，1 到 128 个可见 ASCII 字符"}),
                CheckRequestId);
  program.AddChoice("-o,--output", {"table", "json"},
                    [&global](const std::string& form) {
                      global.output = form == "json" ? OutputForm::kJson : OutputForm::kTable;
                    },
                    {"Form of the output", "输出形式"});
}

// Whether errors are wanted in JSON. The options may not have reached what they are bound to yet.
bool WantsJson(const CLI::App& app) {
  const std::vector<std::string>& forms = app.get_option("--output")->results();
  return std::find(forms.begin(), forms.end(), "json") != forms.end();
}

// What to show instead of running a command.
CommandLineEnd End(const CLI::App& app, const std::vector<std::string>& args,
                   const CLI::ParseError& error, const absl::Status& refused, Language language) {
  const bool asked = error.get_exit_code() == 0;  // for the help or the version
  // CLI11 helps with a command that there isn't, too.
  const absl::Status problem =
      asked ? UnknownCommand(app, args) : UsageProblem(error, refused, app, args);
  if (!problem.ok()) {
    return {kExitUsage, "", UsageText(problem, language, WantsJson(app))};
  }
  std::ostringstream out;
  std::ostringstream ignored;
  app.exit(error, out, ignored);
  const bool chinese = language == Language::kChinese;
  return {kExitOk, chinese ? absl::StrReplaceAll(out.str(), kChineseHelp) : out.str(), ""};
}

}  // namespace

std::variant<CommandLine, CommandLineEnd> ParseCommandLine(const std::vector<std::string>& args,
                                                           const Environment& environment) {
  const Language language = ReadLanguage(environment);
  GlobalArgs global;
  Parsed parsed;
  CLI::App app("", "hongyan");
  Command program(app, language, parsed);
  app.require_subcommand(1);
  app.fallthrough();
  app.description(program.In(
      {"Sends WeChat messages through Hongyan, shows who follows and what WeChat pushed.",
       "通过鸿雁发送微信消息，查看关注者以及微信推送的事件。"}));
  app.set_version_flag("--version", "hongyan " HONGYAN_VERSION,
                       program.In({"Print the version and exit", "显示版本并退出"}));
  app.set_help_flag("-h,--help", program.In({"Print this help and exit", "显示本帮助并退出"}));
  app.footer(program.In(kFooter));
  AddGlobals(program, global);
  AddCommands(program);
  try {
    std::vector<std::string> words = Expand(args);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return End(app, args, error, parsed.refused, language);
  }
  if (global.target.empty()) global.target = environment("HONGYAN_TARGET");
  if (global.target.empty()) global.target = client::kDefaultTarget;
  global.tls = global.tls || !global.ca_file.empty() || !global.cert_file.empty();
  return CommandLine{std::move(global), std::move(parsed.action)};
}

}  // namespace hongyan::cli
