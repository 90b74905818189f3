#include "server/endpoints/admin/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace hongyan::endpoints {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::optional<std::int64_t> Number(const std::vector<absl::string_view>& parts, std::size_t index) {
  std::int64_t value = 0;
  if (index >= parts.size() || !absl::SimpleAtoi(parts[index], &value)) return std::nullopt;
  return value;
}

// When the machine started, Unix time.
std::optional<std::int64_t> BootTime() {
  const std::string stat = ReadAll("/proc/stat");
  for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
    if (parts[0] == "btime") return Number(parts, 1);
  }
  return std::nullopt;
}

std::optional<std::int64_t> CountOpenFds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (!folder) return std::nullopt;
  std::int64_t count = 0;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the folder itself
}

}  // namespace

ProcessFacts ReadProcessFacts() {
  ProcessFacts facts;
  // The fields after the command's name, which is in parentheses and may hold anything: state is
  // number 3 of proc(5).
  const std::string stat = ReadAll("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end != std::string::npos && name_end + 2 < stat.size()) {
    const std::string rest = stat.substr(name_end + 2);
    const std::vector<absl::string_view> parts = absl::StrSplit(rest, ' ');
    const auto field = [&](std::size_t number) { return Number(parts, number - 3); };
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto user = field(14);
    const auto system = field(15);
    const auto start = field(22);
    const auto boot = BootTime();
    if (user && system) facts.cpu_seconds = static_cast<double>(*user + *system) / ticks;
    if (start && boot) {
      facts.start_time_seconds = static_cast<double>(*boot) + static_cast<double>(*start) / ticks;
    }
    facts.virtual_memory_bytes = field(23);
    if (const auto pages = field(24)) facts.resident_memory_bytes = *pages * sysconf(_SC_PAGESIZE);
  }
  facts.open_fds = CountOpenFds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    facts.max_fds = static_cast<std::int64_t>(limit.rlim_cur);
  }
  return facts;
}

std::vector<base::Figure> ProcessFigures(const ProcessFacts& facts) {
  std::vector<base::Figure> figures;
  const auto add = [&figures](const char* name, const char* help, auto value, bool grows = false) {
    if (value) figures.push_back({name, help, static_cast<double>(*value), grows});
  };
  add("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", facts.cpu_seconds,
      true);
  add("process_start_time_seconds", "Start time, Unix time in seconds.", facts.start_time_seconds);
  add("process_virtual_memory_bytes", "Virtual memory in bytes.", facts.virtual_memory_bytes);
  add("process_resident_memory_bytes", "Resident memory in bytes.", facts.resident_memory_bytes);
  add("process_open_fds", "Open file descriptors.", facts.open_fds);
  add("process_max_fds", "Limit of open file descriptors.", facts.max_fds);
  return figures;
}

}  // namespace hongyan::endpoints
