// Tests of the storage work on real SQLite files in a folder of their own, and read the truth with
// SQLite's own program.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/storage/event_store.h"
#include "server/storage/storage_thread.h"
#include "server/storage/subscriber_store.h"
#include "tests/support/loop_test.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/storage/disk_faults.h"

namespace hongyan::storage {

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string bytes(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// What the program sqlite3 says; without the last line end.
inline std::string Sqlite(const std::string& path, const std::string& sql) {
  const std::string command = absl::StrCat("sqlite3 -batch '", path, "' \"", sql, "\" 2>&1");
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  std::size_t got = 0;
  while ((got = ::fread(buffer.data(), 1, buffer.size(), pipe)) > 0) out.append(buffer.data(), got);
  ::pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    std::string name = ::testing::TempDir() + "/hongyan-storage-XXXXXX";
    folder_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
    path_ = folder_ + "/hongyan.db";
    options_.busy_timeout = absl::Milliseconds(50);
  }
  ~StorageTest() override {
    disk_faults::Clear();
    Close();
    std::filesystem::remove_all(folder_);
  }

  std::string Url() const { return "sqlite:" + path_; }

  absl::Status TryOpen() {
    auto database = Database::Open(Url(), options_);
    if (!database.ok()) return database.status();
    thread_ = std::make_unique<StorageThread>(loop_, clock_, *std::move(database), limits_);
    events_ = std::make_unique<EventStore>(*thread_);
    subscribers_ = std::make_unique<SubscriberStore>(*thread_);
    return absl::OkStatus();
  }
  void Open() { ASSERT_THAT(TryOpen(), support::IsOk()); }
  void Close() {
    if (thread_) thread_->Stop(absl::InfiniteDuration());
    loop_.context().restart();
    loop_.context().poll();
    thread_.reset();
  }

  template <typename T>
  std::shared_ptr<std::optional<T>> Go(async::Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(loop_.context(), support::ByValue(std::move(task)),
                          [result](std::exception_ptr e, T value) {
                            if (e) ADD_FAILURE() << "the task threw";
                            result->emplace(std::move(value));
                          });
    return result;
  }
  template <typename F>
  void RunUntil(F done) {
    loop_.context().restart();
    while (!done()) loop_.context().run_one();
  }
  void RunDry() {
    loop_.context().restart();
    loop_.context().poll();
  }
  template <typename T>
  T Await(async::Task<T> task) {
    auto result = Go(std::move(task));
    RunUntil([&] { return result->has_value(); });
    return std::move(**result);
  }

  async::MonoTime Later() const { return clock_.Mono() + std::chrono::seconds(60); }

  static absl::Time At(std::int64_t seconds) { return absl::FromUnixSeconds(seconds); }
  static model::NewEvent Event(const std::string& key, const std::string& type = "text",
                               const std::string& account = "main") {
    model::NewEvent event;
    event.account = account;
    event.openid = "oABC";
    event.type = type;
    event.create_time = At(1700000000);
    event.receive_time = At(1700000001);
    event.dedup_key = key;
    event.body = "<xml><Content>你好 " + key + "</Content></xml>";
    return event;
  }
  absl::StatusOr<Recorded> Record(model::NewEvent event) {
    return Await(events_->Record(std::move(event), Later()));
  }
  // The same, again and again until the storage takes it, as WeChat does.
  absl::StatusOr<Recorded> RecordAtLast(const model::NewEvent& event) {
    const async::MonoTime end = Later();
    absl::StatusOr<Recorded> recorded = Record(event);
    while (!recorded.ok() && clock_.Mono() < end) recorded = Record(event);
    return recorded;
  }
  // The n-th event that Event() makes has the cursor kFirst + n - 1, for all are received in the
  // same microsecond.
  static constexpr std::int64_t kFirst = 1700000001000000;
  static std::int64_t Nth(std::int64_t number) { return kFirst + number - 1; }
  // Which these are, from 1.
  std::vector<std::int64_t> Numbers(const EventPage& page) {
    std::vector<std::int64_t> numbers;
    for (const model::StoredEvent& event : page.events)
      numbers.push_back(event.cursor - kFirst + 1);
    return numbers;
  }
  absl::StatusOr<EventPage> List(EventFilter filter, std::int64_t after, int limit = 100) {
    return Await(events_->List(std::move(filter), after, limit, Later()));
  }
  std::string Sql(const std::string& sql) { return Sqlite(path_, sql); }

  std::string folder_;
  std::string path_;
  StorageLimits limits_;
  EngineOptions options_;
  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  std::unique_ptr<StorageThread> thread_;
  std::unique_ptr<EventStore> events_;
  std::unique_ptr<SubscriberStore> subscribers_;
};

}  // namespace hongyan::storage
