#include "client/cli/batch_file.h"

#include <google/protobuf/util/json_util.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "client/cli/problem.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

absl::StatusOr<std::string> ReadStream(std::istream& in, const std::string& name) {
  std::string content;
  std::array<char, 1U << 16U> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    content.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (content.size() > kMaxBatchFileBytes) {
      return Problem({"$0 has more than 256 MiB; split it", "$0 超过 256 MiB，请拆分"}, name);
    }
  }
  if (in.bad()) return Problem({"can't read $0", "无法读取 $0"}, name);
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& file, std::istream& in) {
  if (file == "-") return ReadStream(in, "standard input");
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return Problem({"$0 is a folder", "$0 是文件夹"}, file);
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return Problem({"can't read $0: $1", "无法读取 $0：$1"}, file, strerror(errno));
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
      checked.bad.push_back({line, parsed.status()});
    }
  }
  return checked;
}

absl::StatusOr<v1::Notification> ParseNotification(absl::string_view line,
                                                   const std::string& account) {
  if (!IsUtf8(line)) return Problem({"not UTF-8", "不是 UTF-8"});
  v1::Notification one;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(line.data(), line.size()), &one);
  if (!parsed.ok()) {
    // The parser draws the place on lines of its own.
    const std::string message(parsed.message().data(), parsed.message().size());
    return Problem({"no notification: $0", "不是有效的通知：$0"},
                   Printable(message.substr(0, message.find('\n'))));
  }
  if (one.ByteSizeLong() > kMaxNotificationBytes) {
    return Problem({"has more than 64 KiB", "超过 64 KiB"});
  }
  if (one.account().empty()) one.set_account(account);
  return one;
}

}  // namespace hongyan::cli
