#include "client/cli/run.h"

#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "client/cli/batch_command.h"
#include "client/cli/batch_file.h"
#include "client/cli/commands.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"
#include "hongyan_client/client.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::cli {
namespace {

constexpr absl::Duration kKeepalive = absl::Minutes(1);

constexpr Wording kUnencrypted = {"$0; use --tls, or --allow-plaintext-token on a closed network",
                                  "$0；请使用 --tls，在封闭网络中也可用 --allow-plaintext-token"};
constexpr Wording kCannotWrite = {"can't write to standard output", "无法写入标准输出"};

absl::StatusOr<std::string> ReadToken(const GlobalArgs& global, const Environment& environment) {
  if (global.token_file.empty()) return environment("HONGYAN_TOKEN");
  std::istringstream none;
  absl::StatusOr<std::string> token = ReadInput(global.token_file, none);
  if (!token.ok()) return token.status();
  absl::StripAsciiWhitespace(&*token);
  if (token->empty()) {
    return Problem({"$0 holds no token", "$0 中没有令牌"}, global.token_file);
  }
  return token;
}

// Whether the command is one stream that may be silent for long.
bool Lasts(const CommandLine& line) {
  return std::holds_alternative<SubscriberSyncArgs>(line.command) ||
         std::holds_alternative<EventWatchArgs>(line.command);
}

// Ctrl-C of the commands that want to end in their own way.
std::unique_ptr<InterruptWatcher> WatchInterrupts(const CommandLine& line, StopSignal& signal,
                                                  const Console& console) {
  if (std::holds_alternative<SendBatchArgs>(line.command)) {
    return std::make_unique<InterruptWatcher>(signal, console.language);
  }
  if (!Lasts(line)) return nullptr;
  // An import is worth its while without a reader.
  const bool needs_reader = std::holds_alternative<EventWatchArgs>(line.command);
  return std::make_unique<InterruptWatcher>(signal, console.language, OnSignal::kCancel,
                                            needs_reader ? console.out_descriptor : -1);
}

absl::StatusOr<std::unique_ptr<client::Client>> Connect(const CommandLine& line,
                                                        const Environment& environment) {
  const GlobalArgs& global = line.global;
  const absl::StatusOr<std::string> token = ReadToken(global, environment);
  if (!token.ok()) return token.status();
  client::Options options;
  options.target = global.target;
  options.token = *token;
  options.allow_plaintext_token = global.allow_plaintext_token;
  options.tls = global.tls;
  options.ca_file = global.ca_file;
  options.cert_file = global.cert_file;
  options.key_file = global.key_file;
  if (Lasts(line)) options.keepalive = kKeepalive;
  return client::Client::Connect(options);
}

// Runs the command that was typed.
class Dispatch {
 public:
  Dispatch(client::Client& client, const GlobalArgs& global, Console& console, StopSignal& signal)
      : client_(client), global_(global), console_(console), signal_(signal) {}

  int operator()(const SendTextArgs& args) const {
    return RunSendText(client_, global_, args, console_);
  }
  int operator()(const SendTemplateArgs& args) const {
    return RunSendTemplate(client_, global_, args, console_);
  }
  int operator()(const SendBatchArgs& args) const {
    return RunSendBatch(client_, global_, args, console_, signal_);
  }
  int operator()(const UserGetArgs& args) const {
    return RunUserGet(client_, global_, args, console_);
  }
  int operator()(const UserBatchArgs& args) const {
    return RunUserBatch(client_, global_, args, console_);
  }
  int operator()(const SubscriberGetArgs& args) const {
    return RunSubscriberGet(client_, global_, args, console_);
  }
  int operator()(const SubscriberListArgs& args) const {
    return RunSubscriberList(client_, global_, args, console_);
  }
  int operator()(const SubscriberSyncArgs& args) const {
    return RunSubscriberSync(client_, global_, args, console_, signal_);
  }
  int operator()(const EventListArgs& args) const {
    return RunEventList(client_, global_, args, console_);
  }
  int operator()(const EventWatchArgs& args) const {
    return RunEventWatch(client_, global_, args, console_, signal_);
  }

 private:
  client::Client& client_;
  const GlobalArgs& global_;
  Console& console_;
  StopSignal& signal_;
};

}  // namespace

int Run(const std::vector<std::string>& args, const Environment& environment, Console& console) {
  const std::variant<CommandLine, CommandLineEnd> parsed = ParseCommandLine(args, environment);
  if (const auto* end = std::get_if<CommandLineEnd>(&parsed)) {
    console.out << end->out;
    console.err << end->err;
    return end->exit_code;
  }
  const CommandLine& line = std::get<CommandLine>(parsed);
  console.json_errors = line.global.output == OutputForm::kJson;
  if (!client::IsRequestId(line.global.request_id)) {
    return Usage(console, Problem({"--request-id has 1 to 128 visible ASCII characters",
                                   "--request-id 应为 1 至 128 个可见 ASCII 字符"}));
  }
  if (!IsUtf8(line.global.account)) {
    return Usage(console, Problem({"--account is not UTF-8", "--account 不是 UTF-8"}));
  }
  StopSignal signal;
  const std::unique_ptr<InterruptWatcher> watcher = WatchInterrupts(line, signal, console);
  const absl::StatusOr<std::unique_ptr<client::Client>> client = Connect(line, environment);
  if (!client.ok()) {
    const bool exposed = client::Describe(client.status()).plaintext_token;
    return Usage(console, exposed ? Around(kUnencrypted, client.status()) : client.status());
  }
  const int exit_code = std::visit(Dispatch(**client, line.global, console, signal), line.command);
  console.out.flush();
  if (!console.out && !console.reader_left && exit_code == kExitOk) {
    console.err << "hongyan: " << kCannotWrite.In(console.language) << "\n";
    return kExitFailed;
  }
  return exit_code;
}

}  // namespace hongyan::cli
