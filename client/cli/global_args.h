// What holds for every command: the options of `hongyan` itself, exit codes, the environment.
#pragma once

#include <functional>
#include <string>

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

}  // namespace hongyan::cli
