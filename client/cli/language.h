// In which language the program speaks about errors and summaries.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cli/command_line.h"

namespace hongyan::cli {

struct Console;

enum class Language { kEnglish, kChinese };

// Chinese when the locale begins with zh. As in POSIX the first of LC_ALL, LC_MESSAGES and LANG
// that isn't empty is it.
Language LanguageOf(const Environment& environment);

// Both forms of one sentence.
struct Wording {
  const char* english;
  const char* chinese;

  const char* In(Language language) const {
    return language == Language::kChinese ? chinese : english;
  }
};

// A mistake of the one who typed, in both languages: INVALID_ARGUMENT.
absl::Status Mistake(absl::string_view english, absl::string_view chinese);
// The same with something before either sentence, such as a line's number.
absl::Status Before(absl::string_view english, absl::string_view chinese,
                    const absl::Status& status);
// What the status says in `language`; its message when it has no other.
std::string Say(const absl::Status& status, Language language);

// Prints the problem and returns the exit code of wrong usage.
int Usage(Console& console, const absl::Status& problem);

}  // namespace hongyan::cli
