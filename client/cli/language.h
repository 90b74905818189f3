// In which language the program speaks: help, errors, hints and summaries.
#pragma once

#include "client/cli/global_args.h"

namespace hongyan::cli {

enum class Language { kEnglish, kChinese };

// Chinese when the locale begins with zh. As in POSIX the first of LC_ALL, LC_MESSAGES and LANG
// that isn't empty is it.
Language ReadLanguage(const Environment& environment);

// Both forms of one sentence.
struct Wording {
  const char* english;
  const char* chinese;

  const char* In(Language language) const {
    return language == Language::kChinese ? chinese : english;
  }
};

}  // namespace hongyan::cli
