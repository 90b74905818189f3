// An error as the program shows it on standard error.
//
// Contract: the first line says what happened, the second what to do, the others hold what is known
//           besides: reason, errcode, rid, request id, the time to wait, fields that are wrong. In
//           Chinese for a Chinese locale. Nothing in it can steer the terminal.
#pragma once

#include <string>

#include "client/cli/console.h"
#include "client/cli/language.h"
#include "client/cli/remedies.h"
#include "hongyan_client/error.h"

namespace hongyan::cli {

struct FailedCall {
  Wording what;  // "send text" / "发送文本"
  Operation operation;
  std::string target;
};

std::string ErrorText(const FailedCall& call, const client::Error& error, Language language);

// Says on standard error that the call failed, in the console's form.
void ShowError(Console& console, const FailedCall& call, const absl::Status& status);

// One line without remedy, for the results of a batch.
std::string ShortErrorText(const client::Error& error, Language language);

}  // namespace hongyan::cli
