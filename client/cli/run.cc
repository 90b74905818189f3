#include "client/cli/run.h"

#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "client/cli/batch_file.h"
#include "client/cli/command_line.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"
#include "hongyan_client/client.h"

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

// Ctrl-C of the commands that want to end in their own way.
std::unique_ptr<InterruptWatcher> WatchInterrupts(const Action& action, StopSignal& signal,
                                                  const Console& console) {
  if (!action.on_signal.has_value()) return nullptr;
  return std::make_unique<InterruptWatcher>(signal, console.language, *action.on_signal,
                                            action.needs_reader ? console.out_descriptor : -1);
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
  if (line.action.keeps_alive) options.keepalive = kKeepalive;
  return client::Client::Connect(options);
}

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
  StopSignal signal;
  const std::unique_ptr<InterruptWatcher> watcher = WatchInterrupts(line.action, signal, console);
  const absl::StatusOr<std::unique_ptr<client::Client>> client = Connect(line, environment);
  if (!client.ok()) {
    const bool exposed = client::Describe(client.status()).plaintext_token;
    return Usage(console, exposed ? Around(kUnencrypted, client.status()) : client.status());
  }
  Session session{**client, line.global, console, signal};
  const int exit_code = line.action.run(session);
  console.out.flush();
  if (!console.out && !console.reader_left && exit_code == kExitOk) {
    console.err << "hongyan: " << kCannotWrite.In(console.language) << "\n";
    return kExitFailed;
  }
  return exit_code;
}

}  // namespace hongyan::cli
