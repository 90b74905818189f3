// A command of `hongyan`, or a group of them, as its file registers it: CLI11's App with texts in
// the reader's language.
//
// Contract: once CLI11 has read the whole command line, each value is written where its option is
//           bound to, and the command that was typed leaves its Action in Parsed. Texts are UTF-8,
//           since protos take nothing else; names of files may be anything.
// Errors:   a value that a check refuses ends the parsing; Parsed::refused says why.
// Threads:  one.
// Lifetime: `app` and `parsed` outlive it, and what options are bound to outlives the parsing.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/interrupt.h"
#include "client/cli/language.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hongyan::cli {

struct Session;

// What a command does, and how it ends before its time.
struct Action {
  // Returns the exit code.
  std::function<int(Session&)> run = {};
  // What Ctrl-C does; nullopt: it ends the process at once.
  std::optional<OnSignal> on_signal = {};
  // The command is one stream that may be silent for long: the connection is watched.
  bool keeps_alive = false;
  // The command ends when nobody reads its output any more.
  bool needs_reader = false;
};

// What CLI11 leaves behind.
struct Parsed {
  Action action = {};
  // What a check said of the value that it refused; OK: nothing was refused.
  absl::Status refused = {};
};

struct NumberRange {
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

class Command {
 public:
  using SetText = std::function<void(const std::string&)>;
  using SetTexts = std::function<void(const std::vector<std::string>&)>;
  using SetNumber = std::function<void(std::int64_t)>;

  Command(CLI::App& app, Language language, Parsed& parsed)
      : app_(app), language_(language), parsed_(parsed) {}

  // `name` as it is typed behind this one.
  Command AddGroup(const char* name, const Wording& description);
  Command AddCommand(const char* name, const Wording& description);

  // `text` stands under the help, before the sentence that all commands have there.
  void SetFooter(const Wording& text);

  // What stands without a name, and has to, not empty. AddArguments() takes any number.
  CLI::Option* AddArgument(const char* name, std::string& value, const Wording& description);
  CLI::Option* AddArguments(const char* name, std::vector<std::string>& values,
                            const Wording& description);
  // FILE, which has to stand there.
  CLI::Option* AddFileArgument(std::string& path, const Wording& description);
  // An argument with CheckOpenid().
  CLI::Option* AddOpenid(const SetText& set, const Wording& description);
  CLI::Option* AddOpenid(std::string& value, const Wording& description);

  // `type` stands for the value in the help.
  CLI::Option* AddOption(const char* name, const char* type, const SetText& set,
                         const Wording& description);
  CLI::Option* AddOption(const char* name, const char* type, std::string& value,
                         const Wording& description);
  CLI::Option* AddFile(const char* name, std::string& path, const Wording& description);
  // May be repeated, and a comma separates values too.
  CLI::Option* AddList(const char* name, const char* type, const SetTexts& set,
                       const Wording& description);
  CLI::Option* AddNumber(const char* name, const char* type, const NumberRange& range,
                         const SetNumber& set, const Wording& description);
  CLI::Option* AddChoice(const char* name, const std::vector<std::string>& choices,
                         const SetText& set, const Wording& description);
  CLI::Option* AddFlag(const char* name, const std::function<void()>& set,
                       const Wording& description);

  // Lets `option` take only what `check` finds good.
  CLI::Option* Check(CLI::Option* option,
                     const std::function<absl::Status(const std::string&)>& check);

  void OnRun(const Action& action);

  std::string In(const Wording& wording) const { return wording.In(language_); }

 private:
  CLI::Option* CheckUtf8(CLI::Option* option);

  CLI::App& app_;
  Language language_;
  Parsed& parsed_;
};

// INVALID_ARGUMENT: `openid` can't be one. Checked before any call, since swapped arguments show
// here.
absl::Status CheckOpenid(const std::string& openid);

}  // namespace hongyan::cli
