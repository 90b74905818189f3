// A process to be killed. `record PATH durable|plain PREFIX`: stores events without end, and writes
// a line with cursor and key for each that was answered; after SIGUSR1 it stops in its next sync.
// `open PATH N`: opens the storage, and dies before its Nth write or sync; exit code 0 when it was
// open before that. `bench PATH COUNT AT_ONCE`: stores that many events, each of AT_ONCE writers
// one after the other, and says how fast.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/async/clock.h"
#include "server/async/event_loop.h"
#include "server/storage/event_store.h"
#include "server/storage/storage_thread.h"
#include "tests/unit/storage/disk_faults.h"

namespace hongyan::storage {
namespace {

constexpr int kAtOnce = 10;

async::Task<void> RecordForEver(EventStore& store, std::string prefix) {
  for (int i = 0;; ++i) {
    model::NewEvent event;
    event.account = "main";
    event.openid = "oABC";
    event.type = "text";
    event.receive_time = absl::FromUnixSeconds(1700000000);
    event.dedup_key = absl::StrCat(prefix, "_", i);
    event.body = std::string(200, 'x');
    const auto recorded = co_await store.Record(event, async::MonoTime::max());
    if (!recorded.ok()) std::_Exit(3);
    const std::string line = absl::StrCat(recorded->cursor, " ", event.dedup_key, "\n");
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      std::_Exit(4);
    }
  }
}

int Record(const std::string& path, bool durable, const std::string& prefix) {
  if (durable) {
    disk_faults::KeepDurable();
    std::signal(SIGUSR1, [](int) { disk_faults::StopInNextSync(); });
  }
  async::EventLoop loop;
  async::SystemClock clock(loop);
  auto database = Database::Open("sqlite:" + path);
  if (!database.ok()) return 2;
  StorageThread thread(loop, clock, *std::move(database));
  EventStore store(thread);
  for (int i = 0; i < kAtOnce; ++i) {
    boost::asio::co_spawn(loop.context(), RecordForEver(store, absl::StrCat(prefix, i)),
                          boost::asio::detached);
  }
  loop.Run();
  return 0;
}

struct Bench {
  int left = 0;
  int ended = 0;
};

async::Task<void> RecordSome(EventStore& store, Bench& bench) {
  while (bench.left > 0) {
    model::NewEvent event;
    event.account = "main";
    event.openid = "oABCDEFGHIJKLMNOPQRSTUVWXYZ12";
    event.type = "text";
    event.create_time = event.receive_time = absl::FromUnixSeconds(1700000000);
    event.dedup_key =
        absl::StrCat("0123456789abcdef0123456789abcdef0123456789abcdef", bench.left--);
    event.body = std::string(350, 'x');
    const auto recorded = co_await store.Record(event, async::MonoTime::max());
    if (!recorded.ok()) std::_Exit(3);
    ++bench.ended;
  }
}

int Measure(const std::string& path, int count, int at_once) {
  async::EventLoop loop;
  async::SystemClock clock(loop);
  auto database = Database::Open("sqlite:" + path);
  if (!database.ok()) return 2;
  StorageThread thread(loop, clock, *std::move(database));
  EventStore store(thread);
  Bench bench{count};
  const async::MonoTime start = clock.Mono();
  for (int i = 0; i < at_once; ++i) {
    boost::asio::co_spawn(loop.context(), RecordSome(store, bench), boost::asio::detached);
  }
  while (bench.ended < count) loop.context().run_one();
  const double seconds = absl::ToDoubleSeconds(async::Between(start, clock.Mono()));
  std::printf("%d events, %d at once: %.0f events/s, %.1f events a commit, %.2f ms each\n", count,
              at_once, count / seconds,
              static_cast<double>(count) / static_cast<double>(thread.stats().commits),
              seconds * 1000 * at_once / count);
  return 0;
}

}  // namespace
}  // namespace hongyan::storage

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "record" && argc == 5) {
    return hongyan::storage::Record(argv[2], std::string(argv[3]) == "durable", argv[4]);
  }
  if (mode == "bench" && argc == 5) {
    return hongyan::storage::Measure(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  }
  if (mode == "open" && argc == 4) {
    hongyan::disk_faults::DieAt(std::atoi(argv[3]));
    const auto database = hongyan::storage::Database::Open(std::string("sqlite:") + argv[2]);
    hongyan::disk_faults::Clear();
    return database.ok() ? 0 : 2;
  }
  return 64;
}
