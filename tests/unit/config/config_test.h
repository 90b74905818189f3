// A world of variables and files for the loader, and words to say what it found in a text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/config/loader.h"

namespace hongyan::config {

// Matches a Problem.
inline ::testing::Matcher<const Problem&> IsProblem(const std::string& path, int line,
                                                    const std::string& part) {
  return ::testing::AllOf(
      ::testing::Field("path", &Problem::path, path),
      ::testing::Field("line", &Problem::line, line),
      ::testing::Field("message", &Problem::message, ::testing::HasSubstr(part)));
}

inline void PrintTo(const Problem& problem, std::ostream* out) {
  *out << Format("c.yaml", problem, "problem");
}

// One account that is right, on lines 1 to 4.
inline constexpr char kAccount[] =
    "accounts:\n"
    "  - name: main\n"
    "    app_id: wx0123456789abcdef\n"
    "    app_secret: ${WX_APP_SECRET}\n";

class ConfigTest : public ::testing::Test {
 protected:
  LoadResult Load(const std::string& text) {
    files_["c.yaml"].content = text;
    return config::Load("c.yaml", World());
  }
  // The account first, so that `text` begins at line 5.
  LoadResult LoadWith(const std::string& text) { return Load(kAccount + text); }

  Environment World() {
    Environment world;
    world.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    world.read_file = [this](const std::string& path, std::size_t max) -> absl::StatusOr<File> {
      const auto found = files_.find(path);
      if (found == files_.end()) return absl::NotFoundError("No such file or directory");
      if (found->second.content.size() > max) return absl::OutOfRangeError("is too large");
      return found->second;
    };
    world.now = absl::FromUnixSeconds(1714037059);
    world.on_terminal = on_terminal_;
    return world;
  }

  // All that was said, to look for what must not be.
  static std::string AllText(const LoadResult& result) {
    std::string text;
    for (const auto* list : {&result.problems, &result.warnings}) {
      for (const Problem& problem : *list) {
        absl::StrAppend(&text, Format("c.yaml", problem, "x"), "\n");
      }
    }
    return text;
  }

  std::map<std::string, std::string> variables_ = {{"WX_APP_SECRET", "s3cretfromtheenvironment"},
                                                   {"WX_CALLBACK_TOKEN", "t0kenfromenv"}};
  std::map<std::string, File> files_;
  bool on_terminal_ = false;
};

}  // namespace hongyan::config
