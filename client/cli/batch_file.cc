#include "client/cli/batch_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/requests.h"

namespace hongyan::cli {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

absl::StatusOr<std::string> ReadStream(std::istream& in, const std::string& name) {
  std::string content;
  std::array<char, 1U << 16U> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    content.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (content.size() > kMaxBatchFileBytes) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has more than 256 MiB; split it"));
    }
  }
  if (in.bad()) return absl::InvalidArgumentError(absl::StrCat("can't read ", name));
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& file, std::istream& in) {
  if (file == "-") return ReadStream(in, "standard input");
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return absl::InvalidArgumentError(absl::StrCat(file, " is a folder"));
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return absl::InvalidArgumentError(absl::StrCat("can't read ", file, ": ", strerror(errno)));
  }
  return ReadStream(stream, file);
}

std::vector<BatchLine> SplitLines(absl::string_view content) {
  absl::ConsumePrefix(&content, kByteOrderMark);
  std::vector<BatchLine> lines;
  std::int64_t number = 0;
  while (!content.empty()) {
    ++number;
    const std::size_t end = content.find('\n');
    const absl::string_view line = absl::StripAsciiWhitespace(content.substr(0, end));
    if (!line.empty()) lines.push_back({number, line});
    content = end == absl::string_view::npos ? "" : content.substr(end + 1);
  }
  return lines;
}

CheckedLines CheckLines(absl::string_view content) {
  CheckedLines checked;
  for (const BatchLine& line : SplitLines(content)) {
    const auto parsed = ParseNotification(line.text, "");
    if (parsed.ok()) {
      checked.good.push_back(line);
    } else {
      checked.bad.push_back({line.number, parsed.status(), line.text});
    }
  }
  return checked;
}

}  // namespace hongyan::cli
