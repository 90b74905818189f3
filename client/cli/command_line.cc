#include "client/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cli/duration.h"
#include "client/cli/language.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"
#include "client/cli/usage_problem.h"
#include "hongyan_client/client.h"

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

constexpr Wording kCommandFooter = {"The options of `hongyan --help` may stand here too.",
                                    "`hongyan --help` 列出的选项在这里同样可用。"};

constexpr Wording kBatchFooter = {R"(Each line is one hongyan.v1.Notification as JSON, for example
  {"openid": "oABC123", "text": {"content": "您好"}}
  {"openid": "oABC123", "template": {"template_id": "T1", "data": {"thing1": "茶"}}, "idempotency_key": "order-7"}
Blank lines are skipped. A line that holds no notification fails alone: the others are sent.

Beside FILE:
  FILE.failed.jsonl    lines that certainly were not sent: repair and send that file
  FILE.unknown.jsonl   lines that may have been sent: sending them again may duplicate messages
  FILE.progress        which lines are finished; --resume reads it
Ctrl-C finishes the notifications on their way and stops; --resume goes on later.

The options of `hongyan --help` may stand here too.)",
                                  R"(每行是一个 JSON 形式的 hongyan.v1.Notification，例如
  {"openid": "oABC123", "text": {"content": "您好"}}
  {"openid": "oABC123", "template": {"template_id": "T1", "data": {"thing1": "茶"}}, "idempotency_key": "order-7"}
空行会被跳过。无法识别的行只影响它自己，其余的行照常发送。

FILE 旁边会生成：
  FILE.failed.jsonl    肯定没有发出的行：改好后发送这个文件即可
  FILE.unknown.jsonl   可能已经发出的行：再次发送可能造成重复
  FILE.progress        哪些行已完成，供 --resume 读取
按 Ctrl-C 会等正在发送的通知完成后停止，之后用 --resume 继续。

`hongyan --help` 列出的选项在这里同样可用。)"};

constexpr Wording kListFooter = {
    R"(All conditions must hold. A TIME is 2025-06-01T12:00:00+08:00, 2025-06-01 12:00, 2025-06-01 (both local), or a
duration such as 48h or 30d: so long ago. With --inbound-after 48h: who can be written to.

The options of `hongyan --help` may stand here too.)",
    R"(各条件须同时满足。TIME 可以是 2025-06-01T12:00:00+08:00、2025-06-01 12:00、2025-06-01（后两者为本地时间），
也可以是 48h、30d 这样的时长，表示多久以前。--inbound-after 48h 列出现在可以发送客服消息的关注者。

`hongyan --help` 列出的选项在这里同样可用。)"};

constexpr Wording kSyncFooter = {
    R"(Broken connections are resumed. What was imported stays when the import stops half way, for
example because the day's quota is used up: the same command goes on from there.

The options of `hongyan --help` may stand here too.)",
    R"(连接中断时自动继续。导入中途停止时（例如当日额度用完），已导入的内容会保留，再次执行同一命令即可继续。

`hongyan --help` 列出的选项在这里同样可用。)"};

constexpr Wording kWatchFooter = {
    R"(Broken connections are resumed without loss. Ctrl-C ends; the last cursor is on standard error then, and --after
goes on behind it. Events that come twice around a break have the same cursor.

The options of `hongyan --help` may stand here too.)",
    R"(连接中断后自动继续，不会丢失事件。按 Ctrl-C 结束，最后的 cursor 会写到标准错误输出，用 --after 从它之后继续。
中断前后重复到达的事件，cursor 相同。

`hongyan --help` 列出的选项在这里同样可用。)"};

// What CLI11 says itself.
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

// `hongyan help send text` means `hongyan send text --help`.
std::vector<std::string> Expand(const std::vector<std::string>& args) {
  if (args.empty()) return args;
  if (args[0] == "version" && args.size() == 1) return {"--version"};
  if (args[0] != "help") return args;
  std::vector<std::string> expanded(args.begin() + 1, args.end());
  expanded.emplace_back("--help");
  return expanded;
}

// Whether the errors of a command line that can't be read are wanted in JSON.
bool WantsJson(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
    if (args[i] == "-ojson" || args[i] == "-o=json" || args[i] == "--output=json") return true;
    const bool option = args[i] == "-o" || args[i] == "--output";
    if (option && i + 1 < args.size() && args[i + 1] == "json") return true;
  }
  return false;
}

// $0 is the option, $1 what was typed.
constexpr Wording kNoTime = {"$0: '$1' is no time like 500ms, 10s or 2m (up to 24h)",
                             "$0：“$1”不是 500ms、10s、2m 这样的时间（最长 24h）"};
constexpr Wording kNoNumber = {"$0: '$1' is no number from $2 to $3",
                               "$0：“$1”不是 $2 到 $3 之间的整数"};
constexpr Wording kNoChoice = {"$0: '$1' is none of $2", "$0：“$1”不在可选值之中：$2"};

// The options of a bearer token are taken and not shown, until the service knows tokens.
constexpr char kHidden[] = "";

// Every command and option of the program, bound to `line`.
class Grammar {
 public:
  Grammar(CommandLine& line, Language language) : line_(line), language_(language) {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.description(
        In({"Sends WeChat messages through Hongyan, shows who follows and what WeChat pushed.",
            "通过鸿雁发送微信消息，查看关注者以及微信推送的事件。"}));
    app_.set_version_flag("--version", "hongyan " HONGYAN_VERSION,
                          In({"Print the version and exit", "显示版本并退出"}));
    app_.set_help_flag("-h,--help", In({"Print this help and exit", "显示本帮助并退出"}));
    app_.footer(In(kFooter));
    AddGlobals();
    AddSend();
    AddUser();
    AddSubscriber();
    AddEvent();
  }

  std::variant<CommandLine, CommandLineEnd> Parse(const std::vector<std::string>& args) {
    try {
      // CLI11 takes them from the back.
      app_.parse(std::vector<std::string>(args.rbegin(), args.rend()));
    } catch (const CLI::ParseError& error) {
      std::ostringstream out;
      std::ostringstream ignored;
      const bool asked = app_.exit(error, out, ignored) == 0;
      // CLI11 helps with a command that there isn't, too.
      absl::Status problem =
          asked ? UnknownCommand(app_, args) : UsageProblem(error, refused_value_, app_, args);
      if (!problem.ok()) {
        return CommandLineEnd{kExitUsage, "", UsageText(problem, language_, WantsJson(args))};
      }
      const bool chinese = language_ == Language::kChinese;
      return CommandLineEnd{kExitOk,
                            chinese ? absl::StrReplaceAll(out.str(), kChineseHelp) : out.str(), ""};
    }
    Select();
    return line_;
  }

 private:
  std::string In(const Wording& wording) const { return wording.In(language_); }

  void AddGlobals() {
    GlobalArgs& global = line_.global;
    app_.add_option("--target", global.target,
                    In({"The service; default 127.0.0.1:9090", "服务地址，默认 127.0.0.1:9090"}))
        ->type_name("HOST:PORT");
    app_.add_option("--token-file", global.token_file,
                    In({"File with the bearer token", "存放令牌的文件"}))
        ->type_name("FILE")
        ->group(kHidden);
    app_.add_flag(
        "--tls", global.tls,
        In({"Use TLS; the next three options imply it", "使用 TLS；给出后面三个选项时自动启用"}));
    app_.add_option(
            "--ca-file", global.ca_file,
            In({"PEM of the CAs to trust instead of the system's", "代替系统 CA 的 PEM 文件"}))
        ->type_name("FILE");
    CLI::Option* cert = app_.add_option("--cert-file", global.cert_file,
                                        In({"PEM of a client certificate", "客户端证书（PEM）"}))
                            ->type_name("FILE");
    CLI::Option* key = app_.add_option("--key-file", global.key_file,
                                       In({"PEM of its key", "客户端证书的私钥（PEM）"}))
                           ->type_name("FILE");
    cert->needs(key);
    key->needs(cert);
    app_.add_flag("--allow-plaintext-token", global.allow_plaintext_token,
                  In({"Send the token without TLS to another machine too",
                      "允许不经 TLS 把令牌发往其他机器"}))
        ->group(kHidden);
    app_.add_option(
            "--account", global.account,
            In({"The Official Account's name in the service's configuration; may be left out "
                "when there is one",
                "服务配置中的公众号名称；只有一个时可省略"}))
        ->type_name("NAME");
    AllowTimes(app_.add_option(
        "--timeout", timeout_,
        In({"How long a call may take; default 10s, for each 32 of a batch 10m, for sync 24h",
            "一次调用的时限；默认 10s，批量发送每 32 条 10m，sync 为 24h"})));
    app_.add_option("--request-id", global.request_id,
                    In({"Logged by the service: 1 to 128 visible ASCII characters",
                        "由服务记入日志，1 到 128 个可见 ASCII 字符"}))
        ->type_name("ID");
    AllowChoices(app_.add_option("-o,--output", output_, In({"Form of the output", "输出形式"})),
                 {"table", "json"});
  }

  void AddSend() {
    CLI::App* send = app_.add_subcommand("send", In({"Send messages", "发送消息"}));
    send->require_subcommand(1);

    text_ = send->add_subcommand("text", In({"Send a text (客服消息)", "发送文本（客服消息）"}));
    text_->footer(In(kCommandFooter));
    text_->add_option("OPENID", text_args_.openid, In({"Whom it goes to", "接收者的 openid"}))
        ->required();
    text_
        ->add_option("CONTENT", text_args_.content,
                     In({"The text, at most 2048 bytes", "文本，最多 2048 字节"}))
        ->required();
    text_
        ->add_option(
            "--kf-account", text_args_.kf_account,
            In({"Show it as from this customer-service account", "以该客服账号的名义显示"}))
        ->type_name("NAME@ACCOUNT");
    AddSending(text_, text_args_.idempotency_key, text_args_.validate_only);

    template_ = send->add_subcommand("template",
                                     In({"Send a template message (模板消息)", "发送模板消息"}));
    template_->footer(In(kCommandFooter));
    template_
        ->add_option("OPENID", template_args_.openid, In({"Whom it goes to", "接收者的 openid"}))
        ->required();
    template_
        ->add_option("TEMPLATE_ID", template_args_.template_id,
                     In({"From the account's list", "公众号自己的模板列表中的 ID"}))
        ->required();
    template_
        ->add_option("KEY=VALUE", template_args_.data,
                     In({"The template's keywords", "模板的关键词和取值"}))
        ->required();
    template_
        ->add_option("--url", template_args_.url,
                     In({"Opened when the message is tapped", "点击消息时打开的网址"}))
        ->type_name("URL");
    template_
        ->add_option("--mini-program", template_args_.mini_program,
                     In({"Opened instead of the URL", "代替网址打开的小程序"}))
        ->type_name("APPID[:PATH]");
    AddSending(template_, template_args_.idempotency_key, template_args_.validate_only);

    batch_ =
        send->add_subcommand("batch", In({"Send a file of notifications", "发送一个文件中的通知"}));
    batch_->footer(In(kBatchFooter));
    batch_
        ->add_option("FILE", batch_args_.file,
                     In({"JSON lines; - reads standard input", "每行一个 JSON；- 表示标准输入"}))
        ->required();
    batch_
        ->add_option("--failed-file", batch_args_.failed_file,
                     In({"Where failed lines go instead of FILE.failed.jsonl",
                         "失败的行写入此文件，而不是 FILE.failed.jsonl"}))
        ->type_name("FILE");
    CLI::Option* resume = batch_->add_flag(
        "--resume", batch_args_.resume,
        In({"Skip what FILE.progress says is finished; ends with 1 as long "
            "as a line of the file was not accepted",
            "跳过 FILE.progress 中已完成的行；只要文件中还有未被接受的行，退出码就是 1"}));
    batch_
        ->add_flag("--restart", batch_args_.restart,
                   In({"Send all lines although an earlier run did not finish",
                       "上一次运行没有完成时，仍重新发送所有行"}))
        ->excludes(resume);
  }

  void AddUser() {
    CLI::App* user = app_.add_subcommand("user", In({"Look users up", "查询用户"}));
    user->require_subcommand(1);
    user_get_ = user->add_subcommand("get", In({"Show one user", "查询一个用户"}));
    user_get_->footer(In(kCommandFooter));
    user_get_->add_option("OPENID", user_get_args_.openid, In({"The user", "用户的 openid"}))
        ->required();
    AddLang(user_get_, user_get_args_.lang);
    user_batch_ = user->add_subcommand("batch", In({"Show many users", "查询多个用户"}));
    user_batch_->footer(In(kCommandFooter));
    user_batch_->add_option("OPENID", user_batch_args_.openids,
                            In({"The users", "各用户的 openid"}));
    user_batch_
        ->add_option(
            "--file", user_batch_args_.file,
            In({"One openid a line; - reads standard input", "每行一个 openid；- 表示标准输入"}))
        ->type_name("FILE");
    AddLang(user_batch_, user_batch_args_.lang);
  }

  void AddSubscriber() {
    CLI::App* subscriber = app_.add_subcommand(
        "subscriber",
        In({"Show who follows, as the service has stored it", "查看服务已存储的关注者"}));
    subscriber->require_subcommand(1);
    subscriber_get_ =
        subscriber->add_subcommand("get", In({"Show one subscriber", "查询一个关注者"}));
    subscriber_get_->footer(In(kCommandFooter));
    CLI::Option* openid = subscriber_get_->add_option("OPENID", subscriber_get_args_.openid,
                                                      In({"The subscriber", "关注者的 openid"}));
    subscriber_get_
        ->add_option("--unionid", subscriber_get_args_.unionid,
                     In({"Or by unionid", "或按 unionid 查询"}))
        ->type_name("UNIONID")
        ->excludes(openid);

    SubscriberListArgs& list = subscriber_list_args_;
    subscriber_list_ =
        subscriber->add_subcommand("list", In({"Show many subscribers", "列出关注者"}));
    subscriber_list_->footer(In(kListFooter));
    AllowChoices(
        subscriber_list_->add_option("--subscribed", subscribed_,
                                     In({"Only followers (yes), or only those who left (no)",
                                         "只列出正在关注的（yes），或已取消关注的（no）"})),
        {"yes", "no"});
    AllowNumbers<std::int32_t>(
        subscriber_list_->add_option("--tag-id", list.tag_id,
                                     In({"Only who has this tag", "只列出有此标签的"})),
        0)
        ->type_name("ID");
    subscriber_list_
        ->add_option("--scene", list.scene,
                     In({"Only who came from there, such as ADD_SCENE_QR_CODE",
                         "只列出从该渠道关注的，如 ADD_SCENE_QR_CODE"}))
        ->type_name("SCENE");
    subscriber_list_
        ->add_option("--updated-after", list.updated_after,
                     In({"Only who changed after this", "只列出此后有变化的"}))
        ->type_name("TIME");
    subscriber_list_
        ->add_option("--inbound-after", list.inbound_after,
                     In({"Only who wrote, tapped or scanned after this",
                         "只列出此后发过消息、点过菜单或扫过码的"}))
        ->type_name("TIME");
    AddLimit(subscriber_list_, list.limit,
             In({"At most so many; default all", "最多这么多，默认全部"}));

    subscriber_sync_ = subscriber->add_subcommand(
        "sync", In({"Import all followers from WeChat into the service", "从微信导入全部关注者"}));
    subscriber_sync_->footer(In(kSyncFooter));
    subscriber_sync_->add_flag("--restart", subscriber_sync_args_.restart,
                               In({"Begin anew instead of going on with a stopped import",
                                   "重新开始，而不是继续中断的导入"}));
  }

  void AddEvent() {
    CLI::App* event =
        app_.add_subcommand("event", In({"Show what WeChat pushed", "查看微信推送的事件"}));
    event->require_subcommand(1);
    event_list_ = event->add_subcommand("list", In({"Show recorded events", "列出已记录的事件"}));
    event_list_->footer(In(kCommandFooter));
    AddTypes(event_list_, event_list_args_.types);
    AddCursor(event_list_, event_list_args_.after,
              In({"Only later events; default all that are kept",
                  "只列出其后的事件，默认列出保留的全部事件"}));
    AddLimit(event_list_, event_list_args_.limit,
             In({"At most so many; default all", "最多这么多，默认全部"}));

    event_watch_ =
        event->add_subcommand("watch", In({"Show events as they come", "事件到来时立即显示"}));
    event_watch_->footer(In(kWatchFooter));
    AddTypes(event_watch_, event_watch_args_.types);
    AddCursor(event_watch_, event_watch_args_.after,
              In({"First what came after this event, 0: all that are kept; default: from now on",
                  "先补发此事件之后的；0 为保留的全部事件；默认从此刻起"}));
    AddLimit(event_watch_, event_watch_args_.limit, In({"End after so many", "满这么多个后结束"}));
  }

  // Lets `option` take what is `good` and refuses the rest as `wording` says.
  template <typename Good, typename... Args>
  CLI::Option* Allow(CLI::Option* option, Good good, const Wording& wording, const Args&... args) {
    return option->check(CLI::Validator(
        [this, name = option->get_name(), good, wording, args...](const std::string& text) {
          if (good(text)) return "";
          refused_value_ = Problem(wording, name, text, args...);
          return "refused";
        },
        ""));
  }
  void AllowTimes(CLI::Option* option) {
    const auto good = [](const std::string& text) { return ParseTimeout(text).has_value(); };
    Allow(option, good, kNoTime)->type_name("TIME");
  }
  template <typename Number>
  CLI::Option* AllowNumbers(CLI::Option* option, Number least) {
    const auto good = [least](const std::string& text) {
      Number number = 0;
      return absl::SimpleAtoi(text, &number) && number >= least;
    };
    return Allow(option, good, kNoNumber, least, std::numeric_limits<Number>::max());
  }
  void AllowChoices(CLI::Option* option, const std::vector<std::string>& choices) {
    const auto good = [choices](const std::string& text) {
      return std::find(choices.begin(), choices.end(), text) != choices.end();
    };
    Allow(option, good, kNoChoice, absl::StrJoin(choices, ", "))
        ->type_name(absl::StrJoin(choices, "|"));
  }

  void AddLang(CLI::App* command, std::string& lang) {
    AllowChoices(command->add_option("--lang", lang, In({"Language of regions", "地区名称的语言"})),
                 {"zh_CN", "zh_TW", "en"});
  }
  void AddTypes(CLI::App* command, std::vector<std::string>& types) {
    command
        ->add_option("--type", types,
                     In({"Only these, such as text or subscribe; may be repeated",
                         "只看这些类型，如 text、subscribe；可重复给出"}))
        ->type_name("TYPE")
        ->delimiter(',');
  }
  template <typename Number>
  void AddCursor(CLI::App* command, Number& after, const std::string& description) {
    AllowNumbers<std::int64_t>(command->add_option("--after", after, description), 0)
        ->type_name("CURSOR");
  }
  void AddLimit(CLI::App* command, std::int64_t& limit, const std::string& description) {
    AllowNumbers<std::int64_t>(command->add_option("--limit", limit, description), 1)
        ->type_name("N");
  }

  void AddSending(CLI::App* command, std::string& idempotency_key, bool& validate_only) {
    command
        ->add_option("--idempotency-key", idempotency_key,
                     In({"A repeat with the same key sends nothing again",
                         "带同一个键重复执行，不会再次发送"}))
        ->type_name("KEY");
    command->add_flag("--validate-only", validate_only,
                      In({"Check everything and send nothing", "只检查，不发送"}));
  }

  void Select() {
    line_.global.timeout = ParseTimeout(timeout_).value_or(absl::ZeroDuration());
    line_.global.output = output_ == "json" ? OutputForm::kJson : OutputForm::kTable;
    if (text_->parsed()) line_.command = text_args_;
    if (template_->parsed()) line_.command = template_args_;
    if (batch_->parsed()) line_.command = batch_args_;
    if (user_get_->parsed()) line_.command = user_get_args_;
    if (user_batch_->parsed()) line_.command = user_batch_args_;
    if (subscriber_get_->parsed()) line_.command = subscriber_get_args_;
    if (!subscribed_.empty()) {
      subscriber_list_args_.subscribed = subscribed_ == "yes";
    }
    if (subscriber_list_->parsed()) line_.command = subscriber_list_args_;
    if (subscriber_sync_->parsed()) line_.command = subscriber_sync_args_;
    if (event_list_->parsed()) line_.command = event_list_args_;
    if (event_watch_->parsed()) line_.command = event_watch_args_;
  }

  CommandLine& line_;
  Language language_;
  CLI::App app_{"", "hongyan"};
  // The first value that an option refused.
  absl::Status refused_value_;
  std::string timeout_;
  std::string output_;
  std::string subscribed_;
  CLI::App* text_ = nullptr;
  CLI::App* template_ = nullptr;
  CLI::App* batch_ = nullptr;
  CLI::App* user_get_ = nullptr;
  CLI::App* user_batch_ = nullptr;
  CLI::App* subscriber_get_ = nullptr;
  CLI::App* subscriber_list_ = nullptr;
  CLI::App* subscriber_sync_ = nullptr;
  CLI::App* event_list_ = nullptr;
  CLI::App* event_watch_ = nullptr;
  SendTextArgs text_args_;
  SendTemplateArgs template_args_;
  SendBatchArgs batch_args_;
  UserGetArgs user_get_args_;
  UserBatchArgs user_batch_args_;
  SubscriberGetArgs subscriber_get_args_;
  SubscriberListArgs subscriber_list_args_;
  SubscriberSyncArgs subscriber_sync_args_;
  EventListArgs event_list_args_;
  EventWatchArgs event_watch_args_;
};

}  // namespace

std::variant<CommandLine, CommandLineEnd> ParseCommandLine(const std::vector<std::string>& args,
                                                           const Environment& environment) {
  CommandLine line;
  Grammar grammar(line, LanguageOf(environment));
  std::variant<CommandLine, CommandLineEnd> parsed = grammar.Parse(Expand(args));
  if (auto* good = std::get_if<CommandLine>(&parsed)) {
    GlobalArgs& global = good->global;
    if (global.target.empty()) global.target = environment("HONGYAN_TARGET");
    if (global.target.empty()) global.target = client::kDefaultTarget;
    global.tls = global.tls || !global.ca_file.empty() || !global.cert_file.empty();
  }
  return parsed;
}

}  // namespace hongyan::cli
