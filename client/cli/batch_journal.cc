#include "client/cli/batch_journal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/cli/problem.h"

namespace hongyan::cli {
namespace {

std::string Header(std::uint64_t fingerprint) {
  return absl::StrFormat("hongyan-progress 1 %016x", fingerprint);
}

// A begin or release, as it came.
struct Span {
  std::int64_t first;
  std::int64_t last;
};

absl::Status Broken(const std::string& path) {
  return Problem({"$0 is not the progress of a batch", "$0 不是批量发送的进度文件"}, path);
}

// Reads "begin 1 32" and the like. False: not a line of a journal.
bool Apply(const std::string& line, BatchProgress& progress, std::vector<Span>& open) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (line == "end") {
    progress.ended = true;
    return true;
  }
  progress.ended = false;
  std::int64_t first = 0;
  if (words.size() != 3 || !absl::SimpleAtoi(words[1], &first)) return false;
  if (words[0] == "finish") {
    progress.finished.insert(first);
    if (words[2] != "ACCEPTED" && words[2] != "DELIVERED") progress.not_accepted.insert(first);
    return true;
  }
  std::int64_t last = 0;
  if (!absl::SimpleAtoi(words[2], &last) || last < first) return false;
  if (words[0] == "begin") {
    open.push_back({first, last});
    return true;
  }
  const auto released = std::find_if(open.rbegin(), open.rend(), [&](const Span& span) {
    return span.first == first && span.last == last;
  });
  if (words[0] != "release" || released == open.rend()) return false;
  open.erase(std::next(released).base());
  return true;
}

// Cuts off what follows the last line break.
void DropTornLine(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t end = content.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  std::error_code ignored;
  if (whole != content.size()) std::filesystem::resize_file(path, whole, ignored);
}

}  // namespace

std::uint64_t Fingerprint(absl::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

absl::StatusOr<BatchProgress> LoadProgress(const std::string& path, std::uint64_t fingerprint,
                                           const std::vector<BatchLine>& lines) {
  BatchProgress progress;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return progress;
    return Problem({"can't read $0: $1", "无法读取 $0：$1"}, path, strerror(errno));
  }
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> entries = absl::StrSplit(content, '\n');
  // What follows the last line break is nothing, or a line that a crash cut off.
  entries.pop_back();
  if (entries.empty()) return progress;
  if (entries.front() != Header(fingerprint)) {
    if (!absl::StartsWith(entries.front(), "hongyan-progress 1 ")) return Broken(path);
    return Problem({"$0 belongs to another content of this file, which has changed since",
                    "$0 属于该文件以前的内容，文件此后已改动"},
                   path);
  }
  std::vector<Span> open;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (!Apply(entries[i], progress, open)) return Broken(path);
  }
  for (const Span& span : open) {
    auto line = std::lower_bound(lines.begin(), lines.end(), span.first,
                                 [](const BatchLine& l, std::int64_t n) { return l.number < n; });
    for (; line != lines.end() && line->number <= span.last; ++line) {
      if (!progress.finished.contains(line->number)) progress.unclear.insert(line->number);
    }
  }
  return progress;
}

absl::StatusOr<BatchJournal> BatchJournal::Open(const std::string& path, std::uint64_t fingerprint,
                                                bool resume) {
  if (resume) DropTornLine(path);
  std::FILE* file = std::fopen(path.c_str(), resume ? "ae" : "we");
  if (file == nullptr) {
    return Problem(absl::StatusCode::kUnknown, {"can't write $0: $1", "无法写入 $0：$1"}, path,
                   strerror(errno));
  }
  BatchJournal journal(file);
  // Appending starts at the end only with the first write.
  std::fseek(file, 0, SEEK_END);
  if (std::ftell(file) == 0) {
    if (absl::Status status = journal.Write(Header(fingerprint), true); !status.ok()) return status;
  }
  return journal;
}

absl::Status BatchJournal::Begin(std::int64_t first, std::int64_t last) {
  return Write(absl::StrCat("begin ", first, " ", last), true);
}

absl::Status BatchJournal::Finish(std::int64_t line, absl::string_view state) {
  return Write(absl::StrCat("finish ", line, " ", state), false);
}

absl::Status BatchJournal::Release(std::int64_t first, std::int64_t last) {
  return Write(absl::StrCat("release ", first, " ", last), true);
}

absl::Status BatchJournal::End() { return Write("end", true); }

absl::Status BatchJournal::Write(const std::string& line, bool durably) {
  if (file_ == nullptr) return absl::OkStatus();
  bool good = std::fputs(absl::StrCat(line, "\n").c_str(), file_.get()) >= 0;
  good = good && std::fflush(file_.get()) == 0;
  // Not every file can be synchronized (a pipe can't): that is no reason to stop.
  if (good && durably) fdatasync(fileno(file_.get()));
  if (good) return absl::OkStatus();
  return Problem(absl::StatusCode::kUnknown, {"can't write the progress: $0", "无法写入进度：$0"},
                 strerror(errno));
}

}  // namespace hongyan::cli
