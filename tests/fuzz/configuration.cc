// A configuration file: YAML, its substitutions, and every check of a value.
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "server/base/text.h"
#include "server/config/loader.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

// ${SECRET} and ${file:secret} are these; no problem may ever show them.
constexpr char kVariable[] = "Qz7VariableQz7";
constexpr char kFile[] = "Qz7FileQz7";
constexpr std::size_t kMaxProblems = 101;  // the last counts the rest

config::Environment EnvironmentWith(absl::string_view content) {
  config::Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SECRET") return kVariable;
    return std::nullopt;
  };
  environment.read_file = [content](const std::string& path,
                                    std::size_t) -> absl::StatusOr<config::File> {
    if (path == "hongyan.yaml") return config::File{std::string(content), false};
    if (path == "secret") return config::File{kFile, false};
    return absl::NotFoundError("is not there");
  };
  environment.now = absl::FromUnixSeconds(1714036504);
  return environment;
}

void CheckProblem(const config::Problem& problem, int lines) {
  FUZZ_CHECK(problem.line >= 0 && problem.line <= lines);
  const std::string text = config::Format("hongyan.yaml", problem, "error");
  FUZZ_CHECK(base::IsUtf8(text));
  FUZZ_CHECK(!absl::StrContains(text, '\n'));
  FUZZ_CHECK(!absl::StrContains(text, kVariable) && !absl::StrContains(text, kFile));
}

void CheckFile(absl::string_view content) {
  // What already has the secrets in it tells nothing.
  if (absl::StrContains(content, "Qz7")) return;
  const config::LoadResult result = config::Load("hongyan.yaml", EnvironmentWith(content));
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  const int lines = 1 + static_cast<int>(std::count_if(content.begin(), content.end(), is_break));
  FUZZ_CHECK(result.problems.size() <= kMaxProblems && result.warnings.size() <= kMaxProblems);
  for (const auto& problem : result.problems) CheckProblem(problem, lines);
  for (const auto& warning : result.warnings) CheckProblem(warning, lines);

  const config::LoadResult again = config::Load("hongyan.yaml", EnvironmentWith(content));
  FUZZ_CHECK(again.problems.size() == result.problems.size());
  if (!result.problems.empty()) return;
  // Settings that may be used are in their ranges.
  const config::Settings& settings = result.settings;
  FUZZ_CHECK(!settings.grpc().listen().empty() && settings.grpc().max_in_flight() > 0);
  FUZZ_CHECK(settings.callback().max_connections() > 0 && settings.wechat().max_connections() > 0);
  FUZZ_CHECK(config::ToDuration(settings.callback().timestamp_window()) >= absl::ZeroDuration());
  FUZZ_CHECK(settings.wechat().api_urls_size() > 0 && settings.accounts_size() > 0);
  for (const std::string& url : settings.wechat().api_urls()) FUZZ_CHECK(!absl::EndsWith(url, "/"));
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hongyan::fuzz::CheckFile(hongyan::fuzz::View(data, size));
  return 0;
}
