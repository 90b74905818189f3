#include "client/cli/usage_problem.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/problem.h"

namespace hongyan::cli {
namespace {

// Commands of the program that this version doesn't have yet.
constexpr auto kLaterCommands = std::to_array<absl::string_view>(
    {"delivery", "account", "doctor", "send message", "send subscription"});

// $0: what was typed. $1, $3: the commands, in English and in Chinese.
constexpr Wording kLater = {
    "'$0' comes with a later version of hongyan; this one has $1: see `$2 --help`",
    "“$0”将在后续版本中提供；当前版本的命令有 $3，详见 `$2 --help`"};
constexpr Wording kUnknownCommand = {"unknown command '$0'; there are $1: see `$2 --help`",
                                     "未知命令“$0”；可用的命令有 $3，详见 `$2 --help`"};
// $0, $2: the commands, in English and in Chinese.
constexpr Wording kNoCommand = {"a command is missing behind `$1`; there are $0: see `$1 --help`",
                                "`$1` 之后缺少命令；可用的命令有 $2，详见 `$1 --help`"};
constexpr Wording kUnknownOption = {
    "unknown option '$0'; text that begins with a dash goes behind --, for the rest see `$1 "
    "--help`",
    "未知选项“$0”；以短横线开头的文本请放在 -- 之后，其余见 `$1 --help`"};
constexpr Wording kUnexpected = {
    "'$0' is one argument too many; text with blanks goes in quotes, for the rest see `$1 --help`",
    "“$0”是多余的参数；含空格的文本请加引号，其余见 `$1 --help`"};
constexpr Wording kMissing = {"$0 is missing in `$1`: see `$2 --help`",
                              "`$1` 中缺少 $0，详见 `$2 --help`"};
// $0: the option.
constexpr Wording kNoValue = {"$0 needs a value behind it: see `$1 --help`",
                              "$0 之后缺少它的值，详见 `$1 --help`"};
constexpr Wording kTwice = {"$0 is given twice, once is enough", "$0 重复出现，请只保留一个"};
// $1: CLI11's own sentence. $2: what it says, in Chinese.
constexpr Wording kOther = {"$1; see `$0 --help`", "$2（$1），详见 `$0 --help`"};

const char* ChineseFor(const CLI::ParseError& error) {
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::ConversionError:
      return "开关选项不带值，请去掉 = 及其后的内容";
    case CLI::ExitCodes::RequiresError:
      return "须同时给出另一个选项";
    case CLI::ExitCodes::ExcludesError:
      return "这两个选项不能同时使用";
    default:
      return "用法有误";
  }
}

using Commands = std::vector<const CLI::App*>;

Commands ListCommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// `hongyan send text`.
std::string GetPath(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  if (parent == nullptr) return command.get_name();
  return absl::StrCat(GetPath(*parent), " ", command.get_name());
}

// The commands of `app`, also those that the grammar doesn't have.
std::string Names(const CLI::App& app, const char* separator) {
  std::vector<std::string> names;
  for (const CLI::App* one : ListCommands(app)) names.push_back(one->get_name());
  if (app.get_parent() == nullptr) names.insert(names.end(), {"help", "version"});
  return absl::StrJoin(names, separator);
}

// The command as it is typed, without options.
std::string FormatUsage(const CLI::App& command) {
  std::string usage = GetPath(command);
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    absl::StrAppend(&usage, " ", option->get_name(),
                    option->get_items_expected_max() > 1 ? "…" : "");
  }
  return usage;
}

bool IsOption(absl::string_view word) {
  return word.size() > 1 && word[0] == '-' && !absl::ascii_isdigit(word[1]);
}

// `--name` of `--name=value`, `-n` of `-nvalue`.
std::string OptionName(absl::string_view word) {
  const bool is_long = absl::StartsWith(word, "--");
  return std::string(is_long ? word.substr(0, word.find('=')) : word.substr(0, 2));
}

// The command that was typed, as far as there is one.
const CLI::App& TypedCommand(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

// The command that was typed before `word`.
const CLI::App& CommandBefore(const CLI::App& app, const std::string& word,
                              const std::vector<std::string>& args) {
  const CLI::App* command = &TypedCommand(app);
  const auto at = std::find(args.begin(), args.end(), word);
  while (command->get_parent() != nullptr &&
         std::find(args.begin(), at, command->get_name()) == at) {
    command = command->get_parent();
  }
  return *command;
}

// What nothing in the grammar took.
absl::Status Extra(const std::string& word, const std::vector<std::string>& args,
                   const std::string& path) {
  const auto mark = std::find(args.begin(), args.end(), "--");
  const bool before_mark = std::find(args.begin(), mark, word) != mark;
  // CLI11's message would show the value too, which may be a secret.
  if (IsOption(word) && before_mark) return Problem(kUnknownOption, OptionName(word), path);
  return Problem(kUnexpected, word, path);
}

absl::Status Missing(const CLI::App& command) {
  const std::string path = GetPath(command);
  if (!ListCommands(command).empty()) {
    return Problem(kNoCommand, Names(command, ", "), path, Names(command, "、"));
  }
  std::string missing;
  for (const CLI::Option* option : command.get_options()) {
    const bool absent = option->get_required() && option->count() == 0;
    if (absent && missing.empty()) missing = option->get_name();
  }
  return Problem(kMissing, missing, FormatUsage(command), path);
}

// Too few values or too many. CLI11 names the option only in its sentence: "--name: At Most 1 …".
absl::Status WrongCount(const CLI::ParseError& error, const std::string& path) {
  const absl::string_view sentence = error.what();
  const absl::string_view option = sentence.substr(0, sentence.find(": "));
  if (absl::StrContains(sentence, ": At Most ")) return Problem(kTwice, option);
  return Problem(kNoValue, option, path);
}

}  // namespace

absl::Status UnknownCommand(const CLI::App& app, const std::vector<std::string>& args) {
  const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  if (extras.empty() || IsOption(extras.front())) return absl::OkStatus();
  const CLI::App& command = CommandBefore(app, extras.front(), args);
  if (ListCommands(command).empty()) return absl::OkStatus();
  std::string typed = extras.front();
  if (command.get_parent() != nullptr) typed = absl::StrCat(command.get_name(), " ", typed);
  const bool later =
      std::find(kLaterCommands.begin(), kLaterCommands.end(), typed) != kLaterCommands.end();
  return Problem(later ? kLater : kUnknownCommand, typed, Names(command, ", "), GetPath(command),
                 Names(command, "、"));
}

absl::Status UsageProblem(const CLI::ParseError& error, const absl::Status& refused,
                          const CLI::App& app, const std::vector<std::string>& args) {
  if (absl::Status unknown = UnknownCommand(app, args); !unknown.ok()) return unknown;
  if (!refused.ok()) return refused;
  const CLI::App& command = TypedCommand(app);
  // A mistyped option is the reason too where an argument seems to be missing.
  const std::vector<std::string> extras = app.remaining(/*recurse=*/true);
  if (!extras.empty()) return Extra(extras.front(), args, GetPath(command));
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return Missing(command);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return WrongCount(error, GetPath(command));
  }
  return Problem(kOther, GetPath(command), error.what(), ChineseFor(error));
}

}  // namespace hongyan::cli
