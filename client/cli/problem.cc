#include "client/cli/problem.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/error_json.h"
#include "client/cli/text.h"

namespace hongyan::cli {

std::string ProblemText(const absl::Status& problem, Language language) {
  client::Error error = client::Describe(problem);
  const bool translated = language == Language::kChinese && !error.localized.empty();
  return translated ? std::move(error.localized) : std::move(error.message);
}

std::string UsageText(const absl::Status& problem, Language language, bool json) {
  if (!json) {
    return absl::StrCat("hongyan: ", Printable(ProblemText(problem, language)), "\n");
  }
  return ErrorJson(client::Describe(problem), {});
}

int Usage(Console& console, const absl::Status& problem) {
  console.err << UsageText(problem, console.language, console.json_errors);
  return kExitUsage;
}

}  // namespace hongyan::cli
