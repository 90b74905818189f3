// The arguments of `hongyan`, as typed.
//
// Contract: options may stand before or after the command. Values are checked as far as that needs
//           no file and no service. HONGYAN_TARGET stands in for --target; HONGYAN_TOKEN is read
//           where the token is needed, so that no token is ever an argument that other users of the
//           machine can see.
// Errors:   a CommandLineEnd with exit code 2 and what was wrong on `err`, in JSON where -o json
//           asks for it; --help and --version, or `help` and `version`, end with 0. All of it is
//           Chinese in a Chinese locale.
// Threads:  plain functions, any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace hongyan::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// getenv, replaced in tests; empty for what isn't set.
using Environment = std::function<std::string(const char*)>;

enum class OutputForm { kTable, kJson };

struct GlobalArgs {
  std::string target = {};
  std::string token_file = {};
  bool allow_plaintext_token = false;
  bool tls = false;
  std::string ca_file = {};
  std::string cert_file = {};
  std::string key_file = {};
  std::string account = {};
  // Zero: the client's default.
  absl::Duration timeout = absl::ZeroDuration();
  std::string request_id = {};
  OutputForm output = OutputForm::kTable;
};

struct SendTextArgs {
  std::string openid = {};
  std::string content = {};
  std::string kf_account = {};
  std::string idempotency_key = {};
  bool validate_only = false;
};

struct SendTemplateArgs {
  std::string openid = {};
  std::string template_id = {};
  std::vector<std::string> data = {};  // KEY=VALUE
  std::string url = {};
  std::string mini_program = {};  // APPID or APPID:PATH
  std::string idempotency_key = {};
  bool validate_only = false;
};

struct SendBatchArgs {
  std::string file = {};  // `-`: standard input
  std::string failed_file = {};
  bool resume = false;
  bool restart = false;
};

struct UserGetArgs {
  std::string openid = {};
  std::string lang = {};
};

struct UserBatchArgs {
  std::vector<std::string> openids = {};
  std::string file = {};  // one openid a line; `-`: standard input
  std::string lang = {};
};

struct SubscriberGetArgs {
  std::string openid = {};
  std::string unionid = {};
};

struct SubscriberListArgs {
  std::optional<bool> subscribed = {};
  std::optional<std::int32_t> tag_id = {};
  std::string scene = {};
  std::string updated_after = {};  // a time as ParseMoment() takes it
  std::string inbound_after = {};
  std::int64_t limit = 0;  // 0: all
};

struct SubscriberSyncArgs {
  bool restart = false;
};

struct EventListArgs {
  std::vector<std::string> types = {};
  std::int64_t after = 0;
  std::int64_t limit = 0;  // 0: all
};

struct EventWatchArgs {
  std::vector<std::string> types = {};
  std::optional<std::int64_t> after = {};
  std::int64_t limit = 0;  // 0: without end
};

struct CommandLine {
  GlobalArgs global;
  std::variant<SendTextArgs, SendTemplateArgs, SendBatchArgs, UserGetArgs, UserBatchArgs,
               SubscriberGetArgs, SubscriberListArgs, SubscriberSyncArgs, EventListArgs,
               EventWatchArgs>
      command;
};

// Nothing to run.
struct CommandLineEnd {
  int exit_code = kExitOk;
  std::string out = {};
  std::string err = {};
};

// `args` without the program's name.
std::variant<CommandLine, CommandLineEnd> ParseCommandLine(const std::vector<std::string>& args,
                                                           const Environment& environment);

}  // namespace hongyan::cli
