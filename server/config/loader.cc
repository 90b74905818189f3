#include "server/config/loader.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/text.h"
#include "server/config/checks.h"
#include "server/config/reader.h"
#include "server/config/yaml_file.h"

namespace hongyan::config {
namespace {

constexpr std::size_t kMaxFile = 1024 * 1024;
constexpr std::uint64_t kAdminConnections = 64;
// Of gRPC: those whose peer has hung up, and our own probe's.
constexpr std::uint64_t kClosingConnections = 64;
constexpr std::uint64_t kSpareDescriptors = 128;

void LoadInto(const std::string& file, const Environment& environment, Findings& findings,
              Settings& settings) {
  const absl::StatusOr<File> content = environment.read_file(file, kMaxFile);
  if (!content.ok()) {
    return findings.RefuseAt(
        "", 0, absl::StrCat("can't be read: ", absl::string_view(content.status().message())));
  }
  const std::optional<YAML::Node> root = ParseYaml(content->content, findings);
  if (!root) return;
  settings = ReadConfig(*root, environment, findings);
  if (!root->IsMap()) return;
  CheckService(environment, findings, settings);
  CheckAccounts(environment, findings, settings);
}

}  // namespace

LoadResult Load(const std::string& file, const Environment& environment) {
  LoadResult result;
  Findings findings;
  LoadInto(file, environment, findings, result.settings);
  result.problems = findings.TakeProblems();
  result.warnings = findings.TakeWarnings();
  return result;
}

std::optional<Problem> CheckFileLimit(const Settings& settings, std::uint64_t limit) {
  const auto callback = static_cast<std::uint64_t>(settings.callback().max_connections());
  const auto wechat = static_cast<std::uint64_t>(settings.wechat().max_connections());
  const auto grpc = static_cast<std::uint64_t>(settings.grpc().max_connections());
  const std::uint64_t needed =
      callback + grpc + wechat + kClosingConnections + kAdminConnections + kSpareDescriptors;
  if (needed <= limit) return std::nullopt;
  return Problem{
      "callback.max_connections", 0,
      absl::StrCat("this process may open ", limit, " files, and the configuration needs ", needed,
                   ": ", callback, " (callback.max_connections) + ", grpc,
                   " (grpc.max_connections) + ", wechat, " (wechat.max_connections) + ",
                   kClosingConnections, " (gRPC connections that end) + ", kAdminConnections,
                   " (admin listener) + ", kSpareDescriptors,
                   " (to spare). Raise the limit (ulimit -Hn, LimitNOFILE=) or lower "
                   "callback.max_connections or grpc.max_connections")};
}

std::string Format(const std::string& file, const Problem& problem, absl::string_view kind) {
  std::string line = base::Printable(file, 1024);
  if (problem.line > 0) absl::StrAppend(&line, ":", problem.line);
  absl::StrAppend(&line, ": ", kind, ": ");
  if (!problem.path.empty()) absl::StrAppend(&line, problem.path, ": ");
  absl::StrAppend(&line, problem.message);
  return line;
}

}  // namespace hongyan::config
