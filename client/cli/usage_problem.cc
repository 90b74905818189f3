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
constexpr Wording kNoValue = {"$0 needs a value behind it: see `$1 --help`",
                              "$0 之后缺少它的值，详见 `$1 --help`"};
constexpr Wording kTwice = {"$0 is given twice, once is enough", "$0 重复出现，请只保留一个"};
constexpr Wording kNoSwitchValue = {"$0 takes no value: leave away what is behind the =",
                                    "$0 不带值，请去掉 = 及其后的内容"};
constexpr Wording kNeeds = {"$0 needs $1 too", "使用 $0 时还须给出 $1"};
constexpr Wording kExcludes = {"$0 and $1 don't go together; leave one away",
                               "$0 与 $1 不能同时使用，请去掉其中一个"};
constexpr Wording kOther = {"wrong usage: see `$0 --help`", "用法有误，详见 `$0 --help`"};

using Commands = std::vector<const CLI::App*>;

Commands CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// `hongyan send text`.
std::string PathOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  if (parent == nullptr) return command.get_name();
  return absl::StrCat(PathOf(*parent), " ", command.get_name());
}

// The commands of `app`, also those that the grammar doesn't have.
std::string Names(const CLI::App& app, const char* separator) {
  std::vector<std::string> names;
  for (const CLI::App* one : CommandsOf(app)) names.push_back(one->get_name());
  if (app.get_parent() == nullptr) names.insert(names.end(), {"help", "version"});
  return absl::StrJoin(names, separator);
}

// The command as it is typed, without options.
std::string UsageOf(const CLI::App& command) {
  std::string usage = PathOf(command);
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

bool IsLong(absl::string_view word) { return absl::StartsWith(word, "--"); }

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// `--name` of `--name=value`, `-n` of `-nvalue`.
std::string OptionName(absl::string_view word) {
  return std::string(IsLong(word) ? word.substr(0, word.find('=')) : word.substr(0, 2));
}

// Options of `command` and of what it belongs to may stand behind it.
const CLI::Option* FindOption(const CLI::App& command, absl::string_view word) {
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    if (const CLI::Option* option = at->get_option_no_throw(OptionName(word))) return option;
  }
  return nullptr;
}

// Whether the value of `option` is the next word.
bool IsValueNext(const CLI::Option& option, absl::string_view word) {
  return TakesValue(option) && (IsLong(word) ? !absl::StrContains(word, '=') : word.size() == 2);
}

// How far the arguments name a command.
struct Named {
  const CLI::App* command;
  // What stands where the next one should; empty when nothing does.
  std::string unknown = {};
};

Named FindCommand(const CLI::App& grammar, const std::vector<std::string>& args) {
  Named named{&grammar};
  for (auto word = args.begin(); word != args.end() && *word != "--"; ++word) {
    const Commands commands = CommandsOf(*named.command);
    if (commands.empty()) break;
    if (IsOption(*word)) {
      const CLI::Option* option = FindOption(*named.command, *word);
      // What is behind an option that nobody knows may be its value.
      if (option == nullptr) break;
      if (IsValueNext(*option, *word) && ++word == args.end()) break;
      continue;
    }
    const auto known = std::find_if(commands.begin(), commands.end(),
                                    [&](const CLI::App* one) { return one->get_name() == *word; });
    if (known == commands.end()) return {named.command, *word};
    named.command = *known;
  }
  return named;
}

absl::Status Unknown(const Named& named) {
  const std::string path = PathOf(*named.command);
  std::string typed = named.unknown;
  if (named.command->get_parent() != nullptr) {
    typed = absl::StrCat(named.command->get_name(), " ", typed);
  }
  const bool later =
      std::find(kLaterCommands.begin(), kLaterCommands.end(), typed) != kLaterCommands.end();
  return Problem(later ? kLater : kUnknownCommand, typed, Names(*named.command, ", "), path,
                 Names(*named.command, "、"));
}

// What nothing in the grammar took.
absl::Status Extra(const std::string& word, const std::vector<std::string>& args,
                   const std::string& path) {
  const auto mark = std::find(args.begin(), args.end(), "--");
  const bool before_mark = std::find(args.begin(), mark, word) != mark;
  if (IsOption(word) && before_mark) return Problem(kUnknownOption, OptionName(word), path);
  return Problem(kUnexpected, word, path);
}

absl::Status Missing(const CLI::App& command) {
  const std::string path = PathOf(command);
  if (!CommandsOf(command).empty()) {
    return Problem(kNoCommand, Names(command, ", "), path, Names(command, "、"));
  }
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    return Problem(kMissing, option->get_name(), UsageOf(command), path);
  }
  return Problem(kOther, path);
}

// The options that were given, those of the command first.
std::vector<const CLI::Option*> Given(const CLI::App& command) {
  std::vector<const CLI::Option*> given;
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      if (option->count() > 0) given.push_back(option);
    }
  }
  return given;
}

// Too few values or too many: the value of the last word is missing, or an option stands twice.
absl::Status WrongCount(const CLI::App& command, const std::vector<std::string>& args) {
  for (const CLI::Option* option : Given(command)) {
    const auto most = static_cast<std::size_t>(option->get_items_expected_max());
    if (TakesValue(*option) && option->count() > most) return Problem(kTwice, option->get_name());
  }
  if (args.empty()) return Problem(kOther, PathOf(command));
  return Problem(kNoValue, OptionName(args.back()), PathOf(command));
}

// Only a switch can be left with a value that is none: those of other options are checked by us.
absl::Status NotConverted(const CLI::App& command, const std::vector<std::string>& args) {
  for (const std::string& word : args) {
    if (!IsLong(word) || !absl::StrContains(word, '=')) continue;
    const CLI::Option* option = FindOption(command, word);
    if (option != nullptr && !TakesValue(*option)) {
      return Problem(kNoSwitchValue, option->get_name());
    }
  }
  return Problem(kOther, PathOf(command));
}

absl::Status Unaccompanied(const CLI::App& command) {
  for (const CLI::Option* option : Given(command)) {
    for (const CLI::Option* other : option->get_needs()) {
      if (other->count() == 0) return Problem(kNeeds, option->get_name(), other->get_name());
    }
  }
  return Problem(kOther, PathOf(command));
}

absl::Status Clashing(const CLI::App& command) {
  for (const CLI::Option* option : Given(command)) {
    for (const CLI::Option* other : option->get_excludes()) {
      if (other->count() > 0) return Problem(kExcludes, option->get_name(), other->get_name());
    }
  }
  return Problem(kOther, PathOf(command));
}

}  // namespace

absl::Status UnknownCommand(const CLI::App& grammar, const std::vector<std::string>& args) {
  const Named named = FindCommand(grammar, args);
  return named.unknown.empty() ? absl::OkStatus() : Unknown(named);
}

absl::Status UsageProblem(const CLI::ParseError& error, const absl::Status& refused_value,
                          const CLI::App& grammar, const std::vector<std::string>& args) {
  const Named named = FindCommand(grammar, args);
  if (!named.unknown.empty()) return Unknown(named);
  if (!refused_value.ok()) return refused_value;
  const CLI::App& command = *named.command;
  const std::vector<std::string> extras = grammar.remaining(/*recurse=*/true);
  switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
    case CLI::ExitCodes::RequiredError:
    case CLI::ExitCodes::ExtrasError:
      // A mistyped option is the reason too where an argument seems to be missing.
      return extras.empty() ? Missing(command) : Extra(extras.front(), args, PathOf(command));
    case CLI::ExitCodes::ArgumentMismatch:
      return WrongCount(command, args);
    case CLI::ExitCodes::ConversionError:
      return NotConverted(command, args);
    case CLI::ExitCodes::RequiresError:
      return Unaccompanied(command);
    case CLI::ExitCodes::ExcludesError:
      return Clashing(command);
    default:
      return Problem(kOther, PathOf(command));
  }
}

}  // namespace hongyan::cli
