#include "server/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json/serializer.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/output.h"
#include "server/base/text.h"

namespace hongyan::base {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr auto kFlushEvery = std::chrono::milliseconds(100);
constexpr absl::Duration kLastWriteLimit = absl::Seconds(1);
constexpr const char* kLevelNames[] = {"debug", "info", "warn", "error"};

// The log is the one thing that the whole process shares, as standard error is.
std::atomic<Level> g_level{Level::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kJson};
std::atomic<std::int64_t> g_dropped{0};

std::string Timestamp() {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

// By hand but for the strings: a tree of Boost.JSON would make a line three times as dear.
void AppendJsonString(absl::string_view text, std::string& line) {
  boost::json::serializer serializer;
  serializer.reset(boost::json::string_view(text.data(), text.size()));
  char buffer[512];
  while (!serializer.done()) {
    const boost::json::string_view part = serializer.read(buffer);
    line.append(part.data(), part.size());
  }
}

std::string JsonLine(Level level, absl::string_view event, std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(256);
  line += R"({"time":")";
  line += Timestamp();
  line += R"(","level":")";
  line += kLevelNames[static_cast<int>(level)];
  line += R"(","event":)";
  AppendJsonString(Printable(event), line);
  for (const LogField& field : fields) {
    if (!field.is_number() && field.text().empty()) continue;
    line += ",\"";
    line.append(field.key().data(), field.key().size());
    line += "\":";
    if (field.is_number()) {
      absl::StrAppend(&line, field.number());
    } else {
      AppendJsonString(Printable(field.text()), line);
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
    line += field.is_number() ? absl::StrCat(field.number()) : Printable(field.text());
  }
  line += '\n';
  return line;
}

std::string FormatLine(Level level, absl::string_view event,
                       std::initializer_list<LogField> fields) {
  return g_format.load(std::memory_order_relaxed) == LogFormat::kJson
             ? JsonLine(level, event, fields)
             : TextLine(level, event, fields);
}

std::int64_t CountLines(absl::string_view text) {
  return std::count(text.begin(), text.end(), '\n');
}

// Collects lines and writes them from a thread of its own, so that no caller waits for a pipe, and
// a busy service wakes no thread for each line.
class Writer {
 public:
  enum class Added { kWillBeWritten, kBufferIsFull, kStopped };

  Writer() : thread_([this] { Work(); }) {}

  Added Add(const std::string& line, bool at_once) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return Added::kStopped;
      if (pending_.size() + line.size() > kBufferBytes) return Added::kBufferIsFull;
      pending_ += line;
      urgent_ |= at_once;
    }
    if (at_once) wake_.notify_one();
    return Added::kWillBeWritten;
  }

  void Flush(absl::Duration limit) {
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    const std::int64_t wanted = rounds_begun_ + 1;
    urgent_ = true;
    wake_.notify_one();
    progress_.wait_for(lock, absl::ToChronoNanoseconds(limit),
                       [&] { return rounds_ended_ >= wanted || ended_; });
  }

  // Writes what waits and ends the thread; leaves the thread behind when that takes longer than
  // `limit`.
  void Stop(absl::Duration limit) {
    std::unique_lock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    wake_.notify_one();
    const bool ended =
        progress_.wait_for(lock, absl::ToChronoNanoseconds(limit), [this] { return ended_; });
    lock.unlock();
    ended ? thread_.join() : thread_.detach();
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      wake_.wait_for(lock, kFlushEvery, [this] { return stopping_ || urgent_; });
      const bool last = stopping_;
      urgent_ = false;
      writing_.swap(pending_);
      ++rounds_begun_;
      lock.unlock();
      if (!writing_.empty()) Write();
      writing_.clear();
      lock.lock();
      ++rounds_ended_;
      ended_ = last;
      progress_.notify_all();
    }
  }

  // Waits for the reader as long as it takes. What a closed standard error or a full disk refuses
  // is lost and counted.
  void Write() {
    const std::int64_t dropped = g_dropped;
    std::string text;
    if (dropped > told_) {
      text = FormatLine(Level::kWarn, "log lines dropped", {{"lines", dropped - told_}});
    }
    const std::size_t first = text.size();
    text += writing_;
    const std::size_t done = WriteWithin(STDERR_FILENO, text, absl::InfiniteDuration());
    if (done >= first) told_ = dropped;
    g_dropped += CountLines(absl::string_view(text).substr(std::max(done, first)));
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable progress_;
  std::string pending_;
  std::int64_t rounds_begun_ = 0;
  std::int64_t rounds_ended_ = 0;
  bool urgent_ = false;
  bool stopping_ = false;
  bool ended_ = false;

  // The thread's.
  std::string writing_;
  std::int64_t told_ = 0;  // of the lines dropped
  std::thread thread_;
};

std::atomic<Writer*> g_writer{nullptr};

}  // namespace

void StartLog(Level level, LogFormat format) {
  g_level = level;
  g_format = format;
  if (g_writer == nullptr) g_writer = new Writer;
}

void FlushLog(absl::Duration limit) {
  if (Writer* writer = g_writer.load()) writer->Flush(limit);
}

// The writer stays: other threads may be about to add a line.
void StopLog() {
  if (Writer* writer = g_writer.load()) writer->Stop(kLastWriteLimit);
}

bool LogEnabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void Log(Level level, absl::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::string line = FormatLine(level, event, fields);
  Writer* const writer = g_writer.load();
  const Writer::Added added =
      writer == nullptr ? Writer::Added::kStopped : writer->Add(line, level >= Level::kWarn);
  if (added == Writer::Added::kWillBeWritten) return;
  const bool written = added == Writer::Added::kStopped &&
                       WriteWithin(STDERR_FILENO, line, absl::ZeroDuration()) == line.size();
  if (!written) ++g_dropped;
}

std::int64_t DroppedLogLines() { return g_dropped; }

}  // namespace hongyan::base
