// What is wrong with what was typed, with its files or with the machine: said by the program
// itself, in both languages.
//
// Contract: a problem is an absl::Status whose message is English; the Chinese sentence travels
//           beside it, where client::Describe() finds it. $0, $1 … in a Wording stand for the
//           arguments.
// Errors:   Usage() answers with kExitUsage.
// Threads:  plain functions, any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/strings/substitute.h"
#include "client/cli/console.h"
#include "client/cli/global_args.h"
#include "client/cli/language.h"
#include "hongyan_client/error.h"

namespace hongyan::cli {

template <typename... Args>
absl::Status Problem(absl::StatusCode code, const Wording& wording, const Args&... args) {
  return client::InChinese(absl::Status(code, absl::Substitute(wording.english, args...)),
                           absl::Substitute(wording.chinese, args...));
}

// The usual case: INVALID_ARGUMENT.
template <typename... Args>
absl::Status Problem(const Wording& wording, const Args&... args) {
  return Problem(absl::StatusCode::kInvalidArgument, wording, args...);
}

// The sentence in `language`; English where there is no other. As it came: not yet Printable().
std::string ProblemText(const absl::Status& problem, Language language);

// `wording` with the sentence of `problem` as $0 and `args` behind it.
template <typename... Args>
absl::Status Around(const Wording& wording, const absl::Status& problem, const Args&... args) {
  return client::InChinese(
      absl::Status(
          problem.code(),
          absl::Substitute(wording.english, ProblemText(problem, Language::kEnglish), args...)),
      absl::Substitute(wording.chinese, ProblemText(problem, Language::kChinese), args...));
}

// What standard error says of wrong usage, with its line break; `json`: as {"error": {…}}.
std::string UsageText(const absl::Status& problem, Language language, bool json);

// Says on standard error that the program was used wrongly.
int Usage(Console& console, const absl::Status& problem);

}  // namespace hongyan::cli
