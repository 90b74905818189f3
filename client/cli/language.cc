#include "client/cli/language.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/console.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

constexpr char kChinese[] = "hongyan/zh-CN";

}  // namespace

Language LanguageOf(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const std::string locale = environment(name);
    if (locale.empty()) continue;
    return absl::StartsWithIgnoreCase(locale, "zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

absl::Status Mistake(absl::string_view english, absl::string_view chinese) {
  absl::Status status = absl::InvalidArgumentError(english);
  status.SetPayload(kChinese, absl::Cord(chinese));
  return status;
}

absl::Status Before(absl::string_view english, absl::string_view chinese,
                    const absl::Status& status) {
  return Mistake(absl::StrCat(english, status.message()),
                 absl::StrCat(chinese, Say(status, Language::kChinese)));
}

std::string Say(const absl::Status& status, Language language) {
  const auto chinese = status.GetPayload(kChinese);
  if (language == Language::kChinese && chinese) return std::string(*chinese);
  return std::string(status.message());
}

int Usage(Console& console, const absl::Status& problem) {
  console.err << "hongyan: " << Printable(Say(problem, console.language)) << "\n";
  return kExitUsage;
}

}  // namespace hongyan::cli
