// bench_watch: follows the events of a running service with many WatchEvents streams at once.
// Prints `ready` when all of them stand, and one line of JSON when each has got its share or the
// time is up: how many events came, whether any came out of order, and how long after their
// receive_time.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "hongyan/v1/event.grpc.pb.h"

namespace {

namespace v1 = hongyan::v1;

struct Tally {
  std::mutex mutex;
  std::condition_variable changed;
  int standing = 0;
  int ended = 0;
  long long disordered = 0;
  std::vector<float> lags;  // milliseconds
};

class Watcher final : public grpc::ClientReadReactor<v1::WatchEventsResponse> {
 public:
  Watcher(v1::EventService::Stub& stub, int events, Tally& tally) : left_(events), tally_(tally) {
    stub.async()->WatchEvents(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    const std::lock_guard lock(tally_.mutex);
    tally_.standing += ok ? 1 : 0;
    tally_.changed.notify_all();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const v1::Event& event = response_.event();
    const double received =
        static_cast<double>(event.receive_time().seconds()) + event.receive_time().nanos() / 1e9;
    const double now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    {
      const std::lock_guard lock(tally_.mutex);
      tally_.lags.push_back(static_cast<float>((now - received) * 1000));
      if (event.cursor() <= cursor_) ++tally_.disordered;
    }
    cursor_ = event.cursor();
    if (--left_ == 0) return context_.TryCancel();
    StartRead(&response_);
  }

  void OnDone(const grpc::Status&) override {
    const std::lock_guard lock(tally_.mutex);
    ++tally_.ended;
    tally_.changed.notify_all();
  }

  int left_;
  Tally& tally_;
  long long cursor_ = 0;
  grpc::ClientContext context_;
  v1::WatchEventsRequest request_;
  v1::WatchEventsResponse response_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string target;
  int watchers = 100;
  int events = 1000;
  int seconds = 30;
  CLI::App app("Follows events with many streams and measures how late they come.");
  app.add_option("--target", target, "HOST:PORT")->required();
  app.add_option("--watchers", watchers)->check(CLI::Range(1, 1000));
  app.add_option("--events", events, "that each one waits for")->check(CLI::Range(1, 100000));
  app.add_option("--seconds", seconds, "at most")->check(CLI::Range(1, 120));
  CLI11_PARSE(app, argc, argv);

  Tally tally;
  const auto stub =
      v1::EventService::NewStub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  std::deque<Watcher> all;
  for (int i = 0; i < watchers; ++i) all.emplace_back(*stub, events, tally);
  std::unique_lock lock(tally.mutex);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  if (!tally.changed.wait_until(lock, until, [&] { return tally.standing == watchers; })) {
    std::cerr << "only " << tally.standing << " streams stand\n";
  } else {
    std::cout << "ready" << std::endl;
  }
  tally.changed.wait_until(lock, until, [&] { return tally.ended == watchers; });
  lock.unlock();
  for (Watcher& watcher : all) watcher.Cancel();
  lock.lock();
  tally.changed.wait(lock, [&] { return tally.ended == watchers; });
  std::vector<float>& lags = tally.lags;
  std::sort(lags.begin(), lags.end());
  const auto at = [&](double share) {
    return lags.empty()
               ? 0.0F
               : lags[static_cast<std::size_t>(share * static_cast<double>(lags.size() - 1))];
  };
  std::printf("{\"events\":%zu,\"disordered\":%lld,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}\n",
              lags.size(), tally.disordered, at(0.5), at(0.99), at(1));
  return lags.size() == static_cast<std::size_t>(watchers) * events && tally.disordered == 0 ? 0
                                                                                             : 1;
}
