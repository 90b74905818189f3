#include "server/config/findings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace hongyan::config {
namespace {

constexpr std::size_t kMaxItems = 100;

}  // namespace

bool Findings::Usable(const std::string& path) const {
  const auto found = origins_.find(path);
  return found != origins_.end() && found->second.usable;
}

int Findings::FindLine(std::string path) const {
  while (true) {
    const auto found = origins_.find(path);
    if (found != origins_.end()) return found->second.line;
    const std::size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) return 1;
    path.resize(cut);
  }
}

void Findings::List::Add(Problem problem) {
  if (items.size() < kMaxItems) {
    items.push_back(std::move(problem));
  } else {
    ++more;
  }
}

std::vector<Problem> Findings::List::Take() {
  std::stable_sort(items.begin(), items.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  if (more > 0) items.push_back({"", 0, absl::StrCat("and ", more, " more")});
  return std::move(items);
}

void Findings::RefuseAt(const std::string& path, int line, absl::string_view message) {
  problems_.Add({path, line, std::string(message)});
}

void Findings::Refuse(const std::string& path, absl::string_view message) {
  RefuseAt(path, FindLine(path), message);
}

void Findings::Warn(const std::string& path, absl::string_view message) {
  warnings_.Add({path, FindLine(path), std::string(message)});
}

std::vector<Problem> Findings::TakeProblems() { return problems_.Take(); }
std::vector<Problem> Findings::TakeWarnings() { return warnings_.Take(); }

}  // namespace hongyan::config
