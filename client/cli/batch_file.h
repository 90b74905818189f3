// The lines of a batch file.
//
// Contract: blank lines count in the numbering but are no notifications; a byte order mark and
//           carriage returns at line ends are ignored. A line is bad when it holds no
//           notification that could be sent.
// Lifetime: lines point into the content that they were split from.
// Threads:  plain functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hongyan/v1/notify.pb.h"

namespace hongyan::cli {

inline constexpr std::size_t kMaxBatchFileBytes = 256U << 20U;
// No notification that the service takes comes near it.
inline constexpr std::size_t kMaxNotificationBytes = 64U << 10U;

struct BatchLine {
  std::int64_t number = 0;  // from 1
  absl::string_view text;
};

struct BadLine {
  BatchLine line;
  absl::Status problem;
};

struct CheckedLines {
  std::vector<BatchLine> good;
  std::vector<BadLine> bad;
};

// The whole of `file` (`-`: `in`). INVALID_ARGUMENT: unreadable or above kMaxBatchFileBytes.
absl::StatusOr<std::string> ReadInput(const std::string& file, std::istream& in);

std::vector<BatchLine> SplitLines(absl::string_view content);

// Sorts the lines into those that hold a notification and those that don't.
CheckedLines CheckLines(absl::string_view content);

// One line of a batch file: proto3 JSON, fields in either spelling. `account` fills in where the
// line has none. INVALID_ARGUMENT: it would take the other lines of its call with it, for it is no
// notification, can't be put into a request, or is too large. Its fields are the service's to
// judge: there a line fails alone.
absl::StatusOr<v1::Notification> ParseNotification(absl::string_view line,
                                                   const std::string& account);

}  // namespace hongyan::cli
