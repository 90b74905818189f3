#include "client/cli/language.h"

#include "absl/strings/match.h"

namespace hongyan::cli {

Language ReadLanguage(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const std::string locale = environment(name);
    if (locale.empty()) continue;
    return absl::StartsWithIgnoreCase(locale, "zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

}  // namespace hongyan::cli
