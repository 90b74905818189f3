#include "client/cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"
#include "hongyan_client/visible_ascii.h"

namespace hongyan::cli {
namespace {

constexpr std::size_t kMaxOpenidBytes = 128;

constexpr Wording kFooter = {"The options of `hongyan --help` may stand here too.",
                             "`hongyan --help` 列出的选项在这里同样可用。"};

// $0 is the option, $1 what was typed.
constexpr Wording kNoNumber = {"$0: '$1' is no number from $2 to $3",
                               "$0：“$1”不是 $2 到 $3 之间的整数"};
constexpr Wording kNoChoice = {"$0: '$1' is none of $2", "$0：“$1”不在可选值之中：$2"};

}  // namespace

Command Command::AddGroup(const char* name, const Wording& description) {
  CLI::App* group = app_.add_subcommand(name, In(description));
  group->require_subcommand(1);
  return {*group, language_, parsed_};
}

Command Command::AddCommand(const char* name, const Wording& description) {
  CLI::App* command = app_.add_subcommand(name, In(description));
  command->footer(In(kFooter));
  return {*command, language_, parsed_};
}

void Command::SetFooter(const Wording& text) {
  app_.footer(absl::StrCat(In(text), "\n\n", In(kFooter)));
}

CLI::Option* Command::AddArgument(const char* name, std::string& value,
                                  const Wording& description) {
  CLI::Option* const argument = CheckUtf8(app_.add_option(name, value, In(description)));
  // Mostly a variable of the shell that isn't set.
  const auto not_empty = [name](const std::string& text) {
    return text.empty() ? Problem({"$0 is empty", "$0 为空"}, name) : absl::OkStatus();
  };
  return Check(argument, not_empty)->required();
}

CLI::Option* Command::AddArguments(const char* name, std::vector<std::string>& values,
                                   const Wording& description) {
  return CheckUtf8(app_.add_option(name, values, In(description)));
}

CLI::Option* Command::AddFileArgument(std::string& path, const Wording& description) {
  return app_.add_option("FILE", path, In(description))->required();
}

CLI::Option* Command::AddOpenid(const SetText& set, const Wording& description) {
  return Check(app_.add_option_function("OPENID", set, In(description)), CheckOpenid);
}

CLI::Option* Command::AddOpenid(std::string& value, const Wording& description) {
  return Check(app_.add_option("OPENID", value, In(description)), CheckOpenid)->required();
}

CLI::Option* Command::AddOption(const char* name, const char* type, const SetText& set,
                                const Wording& description) {
  return CheckUtf8(app_.add_option_function(name, set, In(description)))->type_name(type);
}

CLI::Option* Command::AddOption(const char* name, const char* type, std::string& value,
                                const Wording& description) {
  return CheckUtf8(app_.add_option(name, value, In(description)))->type_name(type);
}

CLI::Option* Command::AddFile(const char* name, std::string& path, const Wording& description) {
  return app_.add_option(name, path, In(description))->type_name("FILE");
}

CLI::Option* Command::AddList(const char* name, const char* type, const SetTexts& set,
                              const Wording& description) {
  return CheckUtf8(app_.add_option_function(name, set, In(description)))
      ->type_name(type)
      ->delimiter(',');
}

// CLI11's own conversion takes 0x10, reads 010 as 8 and cuts what is too large.
CLI::Option* Command::AddNumber(const char* name, const char* type, const NumberRange& range,
                                const SetNumber& set, const Wording& description) {
  const auto parse = [range](const std::string& text, std::int64_t& number) {
    return absl::SimpleAtoi(text, &number) && number >= range.least && number <= range.most;
  };
  const SetText parse_and_set = [parse, set](const std::string& text) {
    std::int64_t number = 0;
    if (parse(text, number)) set(number);
  };
  const auto check = [parse, name, range](const std::string& text) {
    std::int64_t number = 0;
    return parse(text, number) ? absl::OkStatus()
                               : Problem(kNoNumber, name, text, range.least, range.most);
  };
  return Check(app_.add_option_function(name, parse_and_set, In(description)), check)
      ->type_name(type);
}

CLI::Option* Command::AddChoice(const char* name, const std::vector<std::string>& choices,
                                const SetText& set, const Wording& description) {
  CLI::Option* option = app_.add_option_function(name, set, In(description));
  const auto check = [choices, shown = option->get_name()](const std::string& text) {
    const bool known = std::find(choices.begin(), choices.end(), text) != choices.end();
    return known ? absl::OkStatus() : Problem(kNoChoice, shown, text, absl::StrJoin(choices, ", "));
  };
  return Check(option, check)->type_name(absl::StrJoin(choices, "|"));
}

CLI::Option* Command::AddFlag(const char* name, const std::function<void()>& set,
                              const Wording& description) {
  return app_.add_flag_callback(name, set, In(description));
}

CLI::Option* Command::Check(CLI::Option* option,
                            const std::function<absl::Status(const std::string&)>& check) {
  Parsed& parsed = parsed_;
  const auto refuse = [&parsed, check](const std::string& text) {
    parsed.refused = check(text);
    return parsed.refused.ok() ? "" : "refused";
  };
  return option->check(CLI::Validator(refuse, ""));
}

void Command::OnRun(const Action& action) {
  Parsed& parsed = parsed_;
  app_.callback([&parsed, action] { parsed.action = action; });
}

CLI::Option* Command::CheckUtf8(CLI::Option* option) {
  return Check(option, [name = option->get_name()](const std::string& text) {
    return IsUtf8(text) ? absl::OkStatus() : Problem({"$0 is not UTF-8", "$0 不是 UTF-8"}, name);
  });
}

absl::Status CheckOpenid(const std::string& openid) {
  if (!openid.empty() && openid.size() <= kMaxOpenidBytes && client::IsVisibleAscii(openid)) {
    return absl::OkStatus();
  }
  return Problem({"'$0' is no openid: 1 to 128 visible ASCII characters",
                  "“$0”不是 openid：应为 1 至 128 个可见 ASCII 字符"},
                 Printable(openid.substr(0, kMaxOpenidBytes)));
}

}  // namespace hongyan::cli
