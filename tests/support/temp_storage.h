// A real storage in a folder of its own, for tests of what stands on it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/storage/database.h"
#include "server/storage/event_store.h"
#include "server/storage/storage_thread.h"
#include "server/storage/subscriber_store.h"

namespace hongyan::support {

class TempStorage {
 public:
  // The clock of the waits; the loop runs them.
  TempStorage(async::EventLoop& loop, async::Clock& clock) {
    std::string name = ::testing::TempDir() + "/hongyan-test-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    auto database = storage::Database::Open(absl::StrCat("sqlite:", folder_, "/hongyan.db"));
    EXPECT_TRUE(database.ok()) << database.status().message();
    thread_ = std::make_unique<storage::StorageThread>(loop, clock, *std::move(database));
    events_ = std::make_unique<storage::EventStore>(*thread_);
    subscribers_ = std::make_unique<storage::SubscriberStore>(*thread_);
  }
  ~TempStorage() {
    thread_->Stop();
    std::filesystem::remove_all(folder_);
  }

  storage::StorageThread& thread() { return *thread_; }
  storage::EventStore& events() { return *events_; }
  storage::SubscriberStore& subscribers() { return *subscribers_; }

 private:
  std::string folder_;
  std::unique_ptr<storage::StorageThread> thread_;
  std::unique_ptr<storage::EventStore> events_;
  std::unique_ptr<storage::SubscriberStore> subscribers_;
};

}  // namespace hongyan::support
