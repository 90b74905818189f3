// Structured log lines on standard error, one JSON object (or one text line) each.
//
// Contract: Log(Level::kInfo, "send", {{"account", name}, {"attempts", 2}}). Values are made
//           printable (control characters escaped, at most 256 bytes each), so a line is one line
//           whatever a peer sent. Secrets don't fit: base::Secret doesn't convert to a field.
// Bounds:   lines wait in a buffer of 1 MiB, beside at most as much that is being written; what
//           doesn't fit is dropped and counted, never waited for. A later line says how many were
//           dropped.
// Threads:  any. Writing happens on a thread of its own, at once for warnings and errors, else
//           within 100 ms.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::base {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kJson, kText };

class LogField {
 public:
  LogField(absl::string_view key, absl::string_view value) : key_(key), text_(value) {}
  LogField(absl::string_view key, const std::string& value) : key_(key), text_(value) {}
  LogField(absl::string_view key, const char* value) : key_(key), text_(value) {}
  LogField(absl::string_view key, std::int64_t value)
      : key_(key), number_(value), is_number_(true) {}
  LogField(absl::string_view key, int value) : key_(key), number_(value), is_number_(true) {}
  LogField(absl::string_view key, bool value) : key_(key), text_(value ? "true" : "false") {}

  absl::string_view key() const { return key_; }
  absl::string_view text() const { return text_; }
  std::int64_t number() const { return number_; }
  bool is_number() const { return is_number_; }

 private:
  absl::string_view key_;
  absl::string_view text_;
  std::int64_t number_ = 0;
  bool is_number_ = false;
};

// Starts logging. Call once, from main. Before it and after StopLog() each line is written by its
// caller, and dropped where that would mean to wait.
void StartLog(Level level, LogFormat format);
// Waits until the lines that were logged before are written, for `limit` at most.
void FlushLog(absl::Duration limit);
// Writes what waits, for a second at most, and ends the thread.
void StopLog();

bool LogEnabled(Level level);
// `event` is a short fixed word or two: what happened. Empty text values are left out.
void Log(Level level, absl::string_view event, std::initializer_list<LogField> fields = {});

// How many lines were dropped: the buffer was full, or standard error took nothing.
std::int64_t DroppedLogLines();

}  // namespace hongyan::base
