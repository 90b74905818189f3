#include "client/cli/problem.h"

#include <utility>

#include "client/cli/text.h"

namespace hongyan::cli {

std::string ProblemText(const absl::Status& problem, Language language) {
  client::Error error = client::Describe(problem);
  const bool translated = language == Language::kChinese && !error.localized.empty();
  return translated ? std::move(error.localized) : std::move(error.message);
}

int Usage(Console& console, const absl::Status& problem) {
  console.err << "hongyan: " << Printable(ProblemText(problem, console.language)) << "\n";
  return kExitUsage;
}

}  // namespace hongyan::cli
