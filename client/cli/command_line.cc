#include "client/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/language.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"
#include "client/cli/usage_problem.h"
#include "hongyan_client/client.h"

namespace hongyan::cli {
namespace {

constexpr char kFooter[] = R"(Environment:
  HONGYAN_TARGET   stands in for --target
  HONGYAN_TOKEN    stands in for --token-file: the token itself

Exit codes:
  0 done   1 the call or a send failed, the reason is on standard error   2 wrong usage

Examples:
  hongyan send text oABC123 '您的订单已发货'
  hongyan send template oABC123 TEMPLATE_ID thing1=夏日蜜桃茶 amount3=¥39.80 --url https://example.com/o/1
  hongyan send batch notices.jsonl
  hongyan user get oABC123 -o json
  hongyan subscriber list --inbound-after 48h
  hongyan event watch --type text --after 0 -o json

Text that begins with a dash goes behind --:  hongyan send text oABC123 -- '-5°C tonight')";

constexpr char kCommandFooter[] = "The options of `hongyan --help` may stand here too.";

constexpr char kBatchFooter[] = R"(Each line is one hongyan.v1.Notification as JSON, for example
  {"openid": "oABC123", "text": {"content": "您好"}}
  {"openid": "oABC123", "template": {"template_id": "T1", "data": {"thing1": "茶"}}, "idempotency_key": "order-7"}
Blank lines are skipped. A line that holds no notification fails alone: the others are sent.

Beside FILE:
  FILE.failed.jsonl    lines that certainly were not sent: repair and send that file
  FILE.unknown.jsonl   lines that may have been sent: sending them again may duplicate messages
  FILE.progress        which lines are finished; --resume reads it
Ctrl-C finishes the notifications on their way and stops; --resume goes on later.

The options of `hongyan --help` may stand here too.)";

constexpr char kListFooter[] =
    R"(All conditions must hold. A TIME is 2025-06-01T12:00:00+08:00, 2025-06-01 12:00, 2025-06-01 (both local), or a
duration such as 48h: so long ago. With --inbound-after 48h: who can be written to.

The options of `hongyan --help` may stand here too.)";

constexpr char kSyncFooter[] =
    R"(Broken connections are resumed. What was imported stays when the import stops half way, for
example because the day's quota is used up: the same command goes on from there.

The options of `hongyan --help` may stand here too.)";

constexpr char kWatchFooter[] =
    R"(Broken connections are resumed without loss. Ctrl-C ends; the last cursor is on standard error then, and --after
goes on behind it. Events that come twice around a break have the same cursor.

The options of `hongyan --help` may stand here too.)";

absl::Duration ParseTimeout(const std::string& text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration <= absl::ZeroDuration() ||
      duration > absl::Hours(24)) {
    return absl::ZeroDuration();
  }
  return duration;
}

// $0 is the option, $1 what was typed.
constexpr Wording kNoTime = {"$0: '$1' is no time like 500ms, 10s or 2m (up to 24h)",
                             "$0：“$1”不是 500ms、10s、2m 这样的时间（最长 24h）"};
constexpr Wording kNoNumber = {"$0: '$1' is no number from $2 to $3",
                               "$0：“$1”不是 $2 到 $3 之间的整数"};
constexpr Wording kNoChoice = {"$0: '$1' is none of $2", "$0：“$1”不在可选值之中：$2"};

// Every command and option of the program, bound to `line`.
class Grammar {
 public:
  Grammar(CommandLine& line, Language language) : line_(line), language_(language) {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_version_flag("--version", "hongyan " HONGYAN_VERSION, "Print the version and exit");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.footer(kFooter);
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
      if (app_.exit(error, out, ignored) == 0) return CommandLineEnd{kExitOk, out.str(), ""};
      const absl::Status problem = UsageProblem(error, refused_value_, app_, args);
      return CommandLineEnd{
          kExitUsage, "",
          absl::StrCat("hongyan: ", Printable(ProblemText(problem, language_)), "\n")};
    }
    Select();
    return line_;
  }

 private:
  void AddGlobals() {
    GlobalArgs& global = line_.global;
    app_.add_option("--target", global.target, "The service; default 127.0.0.1:9090")
        ->type_name("HOST:PORT");
    app_.add_option("--token-file", global.token_file, "File with the bearer token")
        ->type_name("FILE");
    app_.add_flag("--tls", global.tls, "Use TLS; the next three options imply it");
    app_.add_option("--ca-file", global.ca_file, "PEM of the CAs to trust instead of the system's")
        ->type_name("FILE");
    CLI::Option* cert =
        app_.add_option("--cert-file", global.cert_file, "PEM of a client certificate")
            ->type_name("FILE");
    CLI::Option* key =
        app_.add_option("--key-file", global.key_file, "PEM of its key")->type_name("FILE");
    cert->needs(key);
    key->needs(cert);
    app_.add_flag("--allow-plaintext-token", global.allow_plaintext_token,
                  "Send the token without TLS to another machine too");
    app_.add_option("--account", global.account,
                    "The Official Account's name in the service's configuration; may be left out "
                    "when there is one")
        ->type_name("NAME");
    AllowTimes(app_.add_option(
        "--timeout", timeout_,
        "How long a call may take; default 10s, for each 32 of a batch 10m, for sync 24h"));
    app_.add_option("--request-id", global.request_id,
                    "Logged by the service: 1 to 128 visible ASCII characters")
        ->type_name("ID");
    AllowChoices(app_.add_option("-o,--output", output_, "Form of the output"), {"table", "json"});
  }

  void AddSend() {
    CLI::App* send = app_.add_subcommand("send", "Send messages");
    send->require_subcommand(1);

    text_ = send->add_subcommand("text", "Send a text (客服消息)");
    text_->footer(kCommandFooter);
    text_->add_option("OPENID", text_args_.openid, "Whom it goes to")->required();
    text_->add_option("CONTENT", text_args_.content, "The text, at most 2048 bytes")->required();
    text_
        ->add_option("--kf-account", text_args_.kf_account,
                     "Show it as from this customer-service account")
        ->type_name("NAME@ACCOUNT");
    AddSending(text_, text_args_.idempotency_key, text_args_.validate_only);

    template_ = send->add_subcommand("template", "Send a template message (模板消息)");
    template_->footer(kCommandFooter);
    template_->add_option("OPENID", template_args_.openid, "Whom it goes to")->required();
    template_->add_option("TEMPLATE_ID", template_args_.template_id, "From the account's list")
        ->required();
    template_->add_option("KEY=VALUE", template_args_.data, "The template's keywords")->required();
    template_->add_option("--url", template_args_.url, "Opened when the message is tapped")
        ->type_name("URL");
    template_
        ->add_option("--mini-program", template_args_.mini_program, "Opened instead of the URL")
        ->type_name("APPID[:PATH]");
    AddSending(template_, template_args_.idempotency_key, template_args_.validate_only);

    batch_ = send->add_subcommand("batch", "Send a file of notifications");
    batch_->footer(kBatchFooter);
    batch_->add_option("FILE", batch_args_.file, "JSON lines; - reads standard input")->required();
    batch_
        ->add_option("--failed-file", batch_args_.failed_file,
                     "Where failed lines go instead of FILE.failed.jsonl")
        ->type_name("FILE");
    CLI::Option* resume =
        batch_->add_flag("--resume", batch_args_.resume,
                         "Skip what FILE.progress says is finished; ends with 1 as long "
                         "as a line of the file was not accepted");
    batch_
        ->add_flag("--restart", batch_args_.restart,
                   "Send all lines although an earlier run did not finish")
        ->excludes(resume);
  }

  void AddUser() {
    CLI::App* user = app_.add_subcommand("user", "Look users up");
    user->require_subcommand(1);
    user_get_ = user->add_subcommand("get", "Show one user");
    user_get_->footer(kCommandFooter);
    user_get_->add_option("OPENID", user_get_args_.openid, "The user")->required();
    AddLang(user_get_, user_get_args_.lang);
    user_batch_ = user->add_subcommand("batch", "Show many users");
    user_batch_->footer(kCommandFooter);
    user_batch_->add_option("OPENID", user_batch_args_.openids, "The users");
    user_batch_
        ->add_option("--file", user_batch_args_.file, "One openid a line; - reads standard input")
        ->type_name("FILE");
    AddLang(user_batch_, user_batch_args_.lang);
  }

  void AddSubscriber() {
    CLI::App* subscriber =
        app_.add_subcommand("subscriber", "Show who follows, as the service has stored it");
    subscriber->require_subcommand(1);
    subscriber_get_ = subscriber->add_subcommand("get", "Show one subscriber");
    subscriber_get_->footer(kCommandFooter);
    CLI::Option* openid =
        subscriber_get_->add_option("OPENID", subscriber_get_args_.openid, "The subscriber");
    subscriber_get_->add_option("--unionid", subscriber_get_args_.unionid, "Or by unionid")
        ->type_name("UNIONID")
        ->excludes(openid);

    SubscriberListArgs& list = subscriber_list_args_;
    subscriber_list_ = subscriber->add_subcommand("list", "Show many subscribers");
    subscriber_list_->footer(kListFooter);
    AllowChoices(subscriber_list_->add_option("--subscribed", subscribed_,
                                              "Only followers (yes), or only those who left (no)"),
                 {"yes", "no"});
    AllowNumbers<std::int32_t>(
        subscriber_list_->add_option("--tag-id", list.tag_id, "Only who has this tag"), 0)
        ->type_name("ID");
    subscriber_list_
        ->add_option("--scene", list.scene, "Only who came from there, such as ADD_SCENE_QR_CODE")
        ->type_name("SCENE");
    subscriber_list_
        ->add_option("--updated-after", list.updated_after, "Only who changed after this")
        ->type_name("TIME");
    subscriber_list_
        ->add_option("--inbound-after", list.inbound_after,
                     "Only who wrote, tapped or scanned after this")
        ->type_name("TIME");
    AddLimit(subscriber_list_, list.limit, "At most so many; default all");

    subscriber_sync_ =
        subscriber->add_subcommand("sync", "Import all followers from WeChat into the service");
    subscriber_sync_->footer(kSyncFooter);
    subscriber_sync_->add_flag("--restart", subscriber_sync_args_.restart,
                               "Begin anew instead of going on with a stopped import");
  }

  void AddEvent() {
    CLI::App* event = app_.add_subcommand("event", "Show what WeChat pushed");
    event->require_subcommand(1);
    event_list_ = event->add_subcommand("list", "Show recorded events");
    event_list_->footer(kCommandFooter);
    AddTypes(event_list_, event_list_args_.types);
    AddCursor(event_list_, event_list_args_.after, "Only later events; default all that are kept");
    AddLimit(event_list_, event_list_args_.limit, "At most so many; default all");

    event_watch_ = event->add_subcommand("watch", "Show events as they come");
    event_watch_->footer(kWatchFooter);
    AddTypes(event_watch_, event_watch_args_.types);
    AddCursor(event_watch_, event_watch_args_.after,
              "First what came after this event, 0: all that are kept; default: from now on");
    AddLimit(event_watch_, event_watch_args_.limit, "End after so many");
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
    const auto good = [](const std::string& text) {
      return ParseTimeout(text) != absl::ZeroDuration();
    };
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
    AllowChoices(command->add_option("--lang", lang, "Language of regions"),
                 {"zh_CN", "zh_TW", "en"});
  }
  static void AddTypes(CLI::App* command, std::vector<std::string>& types) {
    command->add_option("--type", types, "Only these, such as text or subscribe; may be repeated")
        ->type_name("TYPE")
        ->delimiter(',');
  }
  template <typename Number>
  void AddCursor(CLI::App* command, Number& after, const char* description) {
    AllowNumbers<std::int64_t>(command->add_option("--after", after, description), 0)
        ->type_name("CURSOR");
  }
  void AddLimit(CLI::App* command, std::int64_t& limit, const char* description) {
    AllowNumbers<std::int64_t>(command->add_option("--limit", limit, description), 1)
        ->type_name("N");
  }

  static void AddSending(CLI::App* command, std::string& idempotency_key, bool& validate_only) {
    command
        ->add_option("--idempotency-key", idempotency_key,
                     "A repeat with the same key sends nothing again")
        ->type_name("KEY");
    command->add_flag("--validate-only", validate_only, "Check everything and send nothing");
  }

  void Select() {
    line_.global.timeout = timeout_.empty() ? absl::ZeroDuration() : ParseTimeout(timeout_);
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
  CLI::App app_{"Sends WeChat messages through Hongyan, shows who follows and what WeChat pushed.",
                "hongyan"};
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
  std::variant<CommandLine, CommandLineEnd> parsed = grammar.Parse(args);
  if (auto* good = std::get_if<CommandLine>(&parsed)) {
    GlobalArgs& global = good->global;
    if (global.target.empty()) global.target = environment("HONGYAN_TARGET");
    if (global.target.empty()) global.target = client::kDefaultTarget;
    global.tls = global.tls || !global.ca_file.empty() || !global.cert_file.empty();
  }
  return parsed;
}

}  // namespace hongyan::cli
