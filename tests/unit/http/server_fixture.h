// A real HttpServer on a loop in a thread of its own, with a handler that says what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/async/event_loop.h"
#include "server/async/wait_list.h"
#include "server/http/http_server.h"
#include "tests/unit/http/raw_client.h"

namespace hongyan::testing {

class EchoHandler final : public http::HttpHandler {
 public:
  explicit EchoHandler(async::Clock& clock) : gate_(clock) {}

  std::optional<http::HttpReply> CheckHead(const http::RequestHead& head) override {
    if (head.path != "/refuse") return std::nullopt;
    http::HttpReply reply;
    reply.status = 403;
    return reply;
  }

  async::Task<http::HttpReply> Handle(http::RequestHead head, std::string body) override {
    ++handled;
    if (head.path == "/slow") {
      slow_began.set_value();
      co_await gate_.Wait(async::MonoTime::max());
    }
    http::HttpReply reply;
    reply.content_type = "text/plain";
    reply.body = absl::StrCat(head.method, " ", head.path, " ", body.size(), " ", head.peer);
    if (head.path == "/big") reply.body.assign(32u << 20, 'x');
    co_return reply;
  }

  void OnRefused(int status, absl::string_view) override {
    if (status == 0) ++refused_connections;
  }
  void OnEvicted(absl::string_view) override { ++evicted; }

  void OpenGate() { gate_.NotifyAll(); }

  std::atomic<int> handled = 0;
  std::atomic<int> evicted = 0;
  std::atomic<int> refused_connections = 0;
  std::promise<void> slow_began;

 private:
  async::WaitList gate_;
};

class ServerFixture : public ::testing::Test {
 protected:
  ~ServerFixture() override { Stop(); }

  void Start() {
    server_ = std::make_unique<http::HttpServer>(loop_.executor(), clock_, handler_, options_);
    const auto bound = server_->StartListening("127.0.0.1:0");
    ASSERT_TRUE(bound.ok()) << bound.status();
    address_ = *bound;
    thread_ = std::thread([this] { loop_.Run(); });
  }

  // What `f` gives, run on the loop.
  template <typename F>
  auto OnLoop(F f) {
    std::promise<decltype(f())> result;
    loop_.Post([&] { result.set_value(f()); });
    return result.get_future().get();
  }

  std::future<void> BeginDrain(absl::Duration grace) {
    auto done = std::make_shared<std::promise<void>>();
    loop_.Post([this, done, grace] {
      async::asio::co_spawn(loop_.executor(), server_->Drain(async::After(clock_.Mono(), grace)),
                            [done](std::exception_ptr) { done->set_value(); });
    });
    return done->get_future();
  }

  void Stop() {
    if (!thread_.joinable()) return;
    BeginDrain(absl::ZeroDuration()).wait();
    loop_.Stop();
    thread_.join();
  }

  std::size_t Open() {
    return OnLoop([this] { return server_->open_connections(); });
  }

  // Asks again until `condition` holds, for a minute at most.
  template <typename F>
  static bool Eventually(F condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      poll(nullptr, 0, 1);
    }
    return true;
  }
  // Whether no connection is open, soon.
  bool AllClosed() {
    return Eventually([this] { return Open() == 0; });
  }

  // One request on a connection of its own.
  std::optional<RawReply> Ask(const std::string& bytes) {
    RawClient client(address_);
    client.Send(bytes);
    return client.ReadReply();
  }

  async::EventLoop loop_;
  async::SystemClock clock_{loop_};
  EchoHandler handler_{clock_};
  http::ServerOptions options_;
  std::unique_ptr<http::HttpServer> server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace hongyan::testing
