#include "server/base/log.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/text.h"

namespace hongyan::base {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr auto kFlushEvery = std::chrono::milliseconds(100);
constexpr const char* kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

// Standard error may be closed or a full disk: what can't be written is lost, and the service goes on.
void WriteAll(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

// Collects lines and writes them from a thread of its own, so that no caller waits for a pipe, and a busy service
// wakes no thread for each line.
class Writer {
 public:
  Writer() : thread_([this] { Work(); }) {}

  // Writes what waits and ends the thread.
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  bool Add(const std::string& line, bool at_once) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) {
        WriteAll(line);
        return true;
      }
      if (pending_.size() + line.size() > kBufferBytes) return false;
      pending_ += line;
      urgent_ |= at_once;
    }
    if (at_once) wake_.notify_one();
    return true;
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait_for(lock, kFlushEvery, [this] { return stopping_ || urgent_; });
      const bool last = stopping_;
      urgent_ = false;
      writing_.swap(pending_);
      lock.unlock();
      WriteAll(writing_);
      writing_.clear();
      lock.lock();
      if (last && pending_.empty()) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  std::string writing_;
  bool urgent_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// The log is the one thing that the whole process shares, as standard error is.
std::atomic<Level> g_level{Level::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kJson};
std::atomic<Writer*> g_writer{nullptr};
std::atomic<std::int64_t> g_dropped{0};

std::string Timestamp() {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

std::string JsonLine(Level level, absl::string_view event, std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(256);
  line += R"({"time":")";
  line += Timestamp();
  line += R"(","level":")";
  line += kLevelNames[static_cast<int>(level)];
  line += R"(","event":")";
  AppendJsonEscaped(Printable(event), line);
  line += '"';
  for (const LogField& field : fields) {
    if (!field.is_number() && field.text().empty()) continue;
    line += ",\"";
    line.append(field.key().data(), field.key().size());
    line += "\":";
    if (field.is_number()) {
      line += fmt::format_int(field.number()).c_str();
    } else {
      line += '"';
      AppendJsonEscaped(Printable(field.text()), line);
      line += '"';
    }
  }
  line += "}\n";
  return line;
}

std::string TextLine(Level level, absl::string_view event, std::initializer_list<LogField> fields) {
  std::string line = Timestamp();
  line += ' ';
  line += kLevelNames[static_cast<int>(level)];
  line += ' ';
  line += Printable(event);
  for (const LogField& field : fields) {
    if (!field.is_number() && field.text().empty()) continue;
    line += ' ';
    line.append(field.key().data(), field.key().size());
    line += '=';
    line += field.is_number() ? std::string(fmt::format_int(field.number()).c_str())
                              : Printable(field.text());
  }
  line += '\n';
  return line;
}

}  // namespace

void StartLog(Level level, LogFormat format) {
  g_level = level;
  g_format = format;
  if (g_writer == nullptr) g_writer = new Writer;
}

// The writer stays: other threads may be about to add a line.
void StopLog() {
  if (g_writer != nullptr) g_writer.load()->Stop();
}

bool LogEnabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void Log(Level level, absl::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::string line = g_format.load(std::memory_order_relaxed) == LogFormat::kJson
                               ? JsonLine(level, event, fields)
                               : TextLine(level, event, fields);
  if (Writer* writer = g_writer.load()) {
    if (!writer->Add(line, level >= Level::kWarn)) ++g_dropped;
  } else {
    WriteAll(line);
  }
}

std::int64_t DroppedLogLines() { return g_dropped; }

}  // namespace hongyan::base
