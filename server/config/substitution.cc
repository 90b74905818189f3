#include "server/config/substitution.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/text.h"

namespace hongyan::config {
namespace {

constexpr absl::string_view kFile = "file:";

bool IsVariableName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name.front()))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

// As an editor and `echo` leave it → as it is meant.
std::string Trimmed(std::string content) {
  absl::string_view rest = content;
  absl::ConsumePrefix(&rest, "\xef\xbb\xbf");
  if (absl::ConsumeSuffix(&rest, "\n")) absl::ConsumeSuffix(&rest, "\r");
  return std::string(rest);
}

}  // namespace

absl::StatusOr<std::string> Substitution::LookFile(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("${file:} names no file");
  absl::StatusOr<File> file = environment_.read_file(path, kMaxValue);
  if (!file.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "${file:", base::Printable(path), "}: ", absl::string_view(file.status().message())));
  }
  return Trimmed(std::move(file->content));
}

absl::StatusOr<std::string> Substitution::Look(absl::string_view name) {
  if (absl::ConsumePrefix(&name, kFile)) return LookFile(std::string(name));
  if (!IsVariableName(name)) {
    return absl::InvalidArgumentError(
        "${…} takes a variable's name (A-Z a-z 0-9 _) or file:PATH; a literal ${ is written $${");
  }
  std::optional<std::string> value = environment_.variable(std::string(name));
  if (!value) {
    return absl::InvalidArgumentError(absl::StrCat("environment variable ", name, " is not set"));
  }
  return *std::move(value);
}

absl::StatusOr<Substituted> Substitution::Apply(absl::string_view text) {
  Substituted result;
  while (true) {
    const std::size_t dollar = text.find("${");
    if (dollar == absl::string_view::npos) break;
    if (dollar > 0 && text[dollar - 1] == '$') {
      absl::StrAppend(&result.text, text.substr(0, dollar - 1), "${");
      text.remove_prefix(dollar + 2);
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (end == absl::string_view::npos) {
      return absl::InvalidArgumentError("${ without its }; a literal ${ is written $${");
    }
    absl::StatusOr<std::string> value = Look(text.substr(dollar + 2, end - dollar - 2));
    if (!value.ok()) return value.status();
    total_ += value->size();
    if (total_ > kMaxTotal) {
      return absl::InvalidArgumentError("all substituted values together exceed 4 MiB");
    }
    absl::StrAppend(&result.text, text.substr(0, dollar), *value);
    if (result.text.size() > kMaxValue) {
      return absl::InvalidArgumentError("the value exceeds 64 KiB after substitution");
    }
    result.changed = true;
    text.remove_prefix(end + 1);
  }
  absl::StrAppend(&result.text, text);
  return result;
}

}  // namespace hongyan::config
